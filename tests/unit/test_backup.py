# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role backup writes to a host: a program, its settings, secrets and units."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings
from ansible_collections.landfall.django.plugins.module_utils._files import tree
from ansible_collections.landfall.django.plugins.module_utils._preflight import backup
from ansible_collections.landfall.django.plugins.module_utils._status.backups import drill_unit_of, unit_of

from rendered import variable
from tests.unit.sentences import only

GIVEN: dict[str, Any] = {"stack_name": "shop", "backup_repository": "s3:https://s3.example.com/shop"}
SECRET: dict[str, Any] = {
    "backup_password": "a long password",
    "backup_repository_environment": {"AWS_SECRET_ACCESS_KEY": "hidden"},
}
Name = Callable[[str, str], str]
UNITS = "/etc/systemd/system/"


def entries(name: str, **given: Any) -> dict[str, dict[str, Any]]:
    found = variable("backup", f"__backup_{name}", {**GIVEN, **given})
    return {entry["path"]: entry for entry in found}


def test_the_program_runs_by_the_hosts_python_alone(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text(entries("entries")["/usr/local/lib/landfall/shop/backup"]["content"])
    file.chmod(0o755)
    ran = subprocess.run([file, tmp_path, "run"], capture_output=True, text=True, check=False, env={}, cwd="/")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"{tmp_path} has no settings")


@pytest.mark.parametrize(("schedule", "scheduled"), [("daily", True), ("", False)])
def test_the_program_reads_the_settings_of_the_role(tmp_path: Path, schedule: str, scheduled: bool) -> None:
    keep = {"days": 3, "weeks": 1}
    written = entries("entries", backup_keep=keep, backup_copies=4, backup_schedule=schedule)
    settings = written["/srv/shop/backups/settings.json"]
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups/settings.json").write_text(json.dumps(settings["content"]))
    assert settings["mode"] == "0600"
    assert Settings.read(tmp_path) == Settings(
        "shop", GIVEN["backup_repository"], Keep(3, 1, 0), 4, scheduled=scheduled, drill_overdue_days=9
    )


def test_only_root_reads_the_secrets_and_no_other_file_has_them() -> None:
    secret = entries("secret_entries", **SECRET)
    assert {entry["mode"] for entry in secret.values()} == {"0700", "0400"}
    assert secret["/srv/shop/secrets/backup/password"]["content"] == SECRET["backup_password"]
    assert "hidden" not in str(entries("entries", **SECRET))
    assert SECRET["backup_password"] not in str(entries("entries", **SECRET))


@pytest.mark.parametrize(("given", "kept"), [({}, True), (SECRET, False)], ids=["generated", "given"])
def test_a_generated_password_is_never_replaced(given: dict[str, Any], kept: bool) -> None:
    password = entries("secret_entries", **given)["/srv/shop/secrets/backup/password"]
    assert str(password["keep"]) == str(kept)
    assert len(password["content"]) >= 15


@pytest.mark.parametrize(
    ("name", "step", "schedule"),
    [(unit_of, "run", "*-*-* 03:10:00"), (drill_unit_of, "drill", "Sun *-*-* 04:40:00")],
    ids=["backup", "drill"],
)
def test_the_units_have_no_secret_and_their_own_names(name: Name, step: str, schedule: str) -> None:
    written = entries("entries", **SECRET)
    service, timer = (written[UNITS + name("shop", kind)]["content"] for kind in ("service", "timer"))
    assert f"ExecStart=/usr/local/lib/landfall/shop/backup /srv/shop {step}\n" in service
    assert f"OnCalendar={schedule}\n" in timer
    assert "hidden" not in service + timer


@pytest.mark.parametrize(
    ("variable_name", "gone", "left"),
    [("backup_schedule", unit_of, drill_unit_of), ("backup_drill_schedule", drill_unit_of, unit_of)],
)
def test_without_a_schedule_there_is_no_timer(variable_name: str, gone: Name, left: Name) -> None:
    given = {variable_name: ""}
    timers = entries("entries", **given)
    assert timers[UNITS + gone("shop", "timer")]["state"] == "absent"
    assert timers[UNITS + left("shop", "timer")]["state"] == "present"
    assert variable("backup", "__backup_wanted_timers", {**GIVEN, **given}) == [left("shop", "timer")]


def test_a_removed_stack_leaves_no_unit_and_no_program() -> None:
    of_the_stack = [path for path in entries("entries") if not path.startswith("/srv/")]
    removed = variable("backup", "__backup_files_to_remove", GIVEN)
    assert set(of_the_stack) <= set(removed)
    assert [path for path in removed if "shop" not in path] == []


def test_a_timer_that_is_not_enabled_is_started() -> None:
    units = {
        unit_of("shop", "timer"): {"active": "active", "enabled": "enabled"},
        drill_unit_of("shop", "timer"): {"active": "active", "enabled": "disabled"},
    }
    found = {**GIVEN, "__backup_preflight": {"units": units}}
    assert variable("backup", "__backup_active_timers", found) == [unit_of("shop", "timer")]


def test_the_entries_are_what_tree_takes() -> None:
    for entry in [*entries("entries").values(), *entries("secret_entries").values()]:
        tree.entry({**entry, "owner": "0", "group": "0"})


GOOD: dict[str, Any] = {
    "backup_stack": "shop",
    "backup_root": "/srv/shop",
    "backup_schedule": "*-*-* 03:10:00",
    "backup_keep": {"days": 7},
    "backup_repository": "sftp:backup@example.com:/shop",
    **SECRET,
    "backup_folders": ["/srv/files"],
    "backup_copies": 1,
}


@pytest.mark.parametrize("values", [{}, GOOD, {**GOOD, "backup_schedule": "", "backup_password": ""}])
def test_good_values(values: dict[str, Any]) -> None:
    assert list(backup.problems_of(values)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backup_stack", ""),
        ("backup_root", "srv/shop"),
        ("backup_root", "/srv/my shop"),
        ("backup_schedule", "daily\nExecStart=/bin/sh"),
        ("backup_drill_schedule", "on % Sunday"),
        ("backup_drill_overdue_days", 0),
        ("backup_keep", {"years": 1, "days": 1}),
        ("backup_keep", {"days": -1}),
        ("backup_keep", {"days": 0}),
        ("backup_keep", {}),
        ("backup_repository", "s3:https://example.com/my shop"),
        ("backup_repository_environment", {"AWS KEY": "x"}),
        ("backup_repository_environment", {"RESTIC_PASSWORD": "x"}),
        ("backup_password", "two\nlines of text"),
        ("backup_password", "short"),
        ("backup_folders", ["files"]),
        ("backup_copies", 0),
        ("backup_overdue_hours", 0),
    ],
)
def test_each_bad_value_names_its_variable(name: str, value: Any) -> None:
    said = only(list(backup.problems_of({**GOOD, name: value})))
    assert said.startswith(f"{name}: ")
    assert "two" not in said
    assert "short" not in said


@pytest.mark.parametrize("name", backup.SCHEDULES)
def test_a_schedule_that_the_host_refuses_is_told(name: str) -> None:
    system = {"id": "debian", "version": "13", "release": "trixie", "name": "Debian 13"}
    probe = {"distribution": system, "calendars": {"sometimes": "Failed to parse"}}
    assert only(list(backup.host_problems({name: "sometimes"}, probe))).startswith(f"{name}: ")
