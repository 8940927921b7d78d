# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role writes of scheduled jobs: a service of the release, and two units that hold nothing of it."""

from __future__ import annotations

import re
from typing import Any

import yaml
from ansible_collections.landfall.django.plugins.module_utils._project import jobs

from rendered import rendered, variable

CRON = {"clean": {"schedule": "*-*-* 04:30:00", "command": "python3 manage.py clear $x"}}
GIVEN: dict[str, Any] = {"stack_name": "shop", "stack_cron": CRON}
FILES = [f"/etc/systemd/system/landfall-shop.clean.{kind}" for kind in ("service", "timer")]


def unit(kind: str) -> str:
    item = ({"key": "clean", "value": CRON["clean"]}, kind)
    return rendered("stack", f"roles/stack/templates/job.{kind}.j2", {**GIVEN, "item": item})


def test_a_job_is_a_service_that_no_release_starts() -> None:
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", GIVEN))["services"]
    job, migrate = services["cron-clean"], services["migrate"]
    assert job["profiles"] == ["cron"]
    assert (job["entrypoint"], job["restart"]) == ([], "no")
    assert job["command"] == "python3 manage.py clear $$x"
    assert {job[name] == migrate[name] for name in ("image", "user", "env_file", "volumes", "read_only")} == {True}


def test_in_development_nothing_is_scheduled() -> None:
    given = {**GIVEN, "stack_mode": "development"}
    assert variable("stack", "__stack_jobs", given) == {}
    assert "cron-clean" not in yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]


def test_the_units_hold_neither_the_command_nor_an_image() -> None:
    service, timer = unit("service"), unit("timer")
    assert re.search(r"^ExecStart=.* run --rm .*--name shop-cron-clean cron-clean$", service, re.MULTILINE)
    assert "manage.py" not in service
    assert re.search(r"^ExecStartPre=/usr/bin/flock --shared /srv/shop/\.lock ", service, re.MULTILINE)
    assert "OnCalendar=*-*-* 04:30:00\n" in timer


def test_units_that_no_job_has_any_more_are_removed() -> None:
    former = "/etc/systemd/system/landfall-shop.old.timer"
    found = {**GIVEN, "__stack_preflight": {"files": {former: "0", FILES[0]: "0"}}}
    assert variable("stack", "__stack_stale_units", found) == [former]
    assert variable("stack", "__stack_stale_units", {**found, "stack_cron": {}}) == [former, FILES[0]]
    assert sorted(variable("stack", "__stack_wanted_units", GIVEN)) == FILES
    assert FILES[1] == f"{jobs.UNITS}/{jobs.unit_of('shop', 'clean')}.timer"


def test_no_two_stacks_share_a_unit() -> None:
    assert jobs.unit_of("shop-a", "b") != jobs.unit_of("shop", "a-b")
