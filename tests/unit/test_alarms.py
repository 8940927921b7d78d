# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role writes for the alarms: a program and two units without a secret, and settings for root alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.landfall.django.plugins.module_utils._alarms import settings
from ansible_collections.landfall.django.plugins.module_utils._preflight import alarms, spec

from rendered import rendered, variable

ALARMS = {"url": "https://hooks.example.com/secret", "apprise": ["tgram://secret/1"], "queue_tasks": 50}
GIVEN: dict[str, Any] = {"stack_name": "shop", "stack_domains": ["shop.example.com"], "stack_alarms": ALARMS}


def entries() -> dict[str, Any]:
    return {entry["path"]: entry for entry in variable("stack", "__stack_alarms_entries", GIVEN)}


def test_the_settings_are_read_as_the_role_writes_them(tmp_path: Path) -> None:
    entry = entries()["/srv/shop/alarms/settings.json"]
    assert (entry["mode"], entry["secret"]) == ("0600", True)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(entry["content"]))
    read = settings.read(str(file))
    assert (read.stack.stack, read.stack.root, read.stack.domain) == ("shop", "/srv/shop", "shop.example.com")
    assert (read.stack.https_port, read.stack.disk_free_minimum_mib) == (443, 3072)
    assert (read.redis, read.queue_tasks) == (True, 50)
    assert [channel.target for channel in read.channels] == [ALARMS["url"], *ALARMS["apprise"]]


def test_no_other_file_has_a_secret() -> None:
    others = {path: entry for path, entry in entries().items() if not entry.get("secret")}
    assert "/usr/local/lib/landfall/shop/alarms" in others
    assert not any("hooks.example.com" in str(entry) or "tgram:" in str(entry) for entry in others.values())


def test_the_units_run_the_program_every_minute() -> None:
    service = rendered("stack", "roles/stack/templates/alarms.service.j2", GIVEN)
    command = "/usr/local/lib/landfall/shop/alarms check /srv/shop/alarms/settings.json"
    assert re.search(rf"^ExecStart={re.escape(command)}$", service, re.MULTILINE)
    assert "OnCalendar=minutely\n" in rendered("stack", "roles/stack/templates/alarms.timer.j2", GIVEN)


def test_no_job_and_no_other_stack_has_its_units() -> None:
    unit = variable("stack", "__stack_alarms_unit", GIVEN)
    assert not unit.startswith(variable("stack", "__stack_unit_prefix", GIVEN))
    assert not unit.startswith(variable("stack", "__stack_unit_prefix", {**GIVEN, "stack_name": "alarms"}))


def test_without_a_value_there_are_no_alarms() -> None:
    assert variable("stack", "__stack_alarms", GIVEN) == ALARMS
    assert variable("stack", "__stack_alarms", {"stack_alarms": {"url": None, "email": ""}}) == {}
    assert variable("stack", "__stack_alarms", {}) == {}
    assert variable("stack", "__stack_alarms", {**GIVEN, "stack_mode": "development"}) == {}


def test_the_preflight_takes_the_default_for_no_alarms() -> None:
    file = Path(__file__).parents[2] / "roles/stack/meta/argument_specs.yml"
    options = yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
    good, problems = spec.checked(options, {"stack_alarms": {}})
    assert [*problems, *alarms.problems_of(good)] == []
