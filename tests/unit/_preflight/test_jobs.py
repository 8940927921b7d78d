# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scheduled jobs: what is refused before anything changes, by the variable alone and by the host's systemd."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import jobs, system

from tests.unit.sentences import only

CLEAN = {"schedule": "*-*-* 04:30:00 Europe/Berlin", "command": "python3 manage.py clearsessions"}
SHOWN = """\
  Original form: daily
Normalized form: *-*-* 00:00:00
    Next elapse: Sun 2026-11-29 00:00:00 UTC
       From now: 20h left
"""


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"clean": CLEAN},
        {"clean-up_2": {**CLEAN, "schedule": "Mon..Fri *:0/15"}},
        {"pipe": {"schedule": "hourly", "command": "sh -c 'a | b'"}},
    ],
)
def test_what_is_right_gets_no_word(given: dict[str, Any]) -> None:
    assert list(jobs.problems_of({"stack_cron": given})) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"Clean up": CLEAN}, "'Clean up' is not the name of a job"),
        ({1: CLEAN}, "'1' is not the name of a job"),
        ({"clean": "daily"}, "clean is not a schedule and a command"),
        ({"clean": {"schedule": "daily"}}, "clean is not a schedule and a command"),
        ({"clean": {**CLEAN, "when": "daily"}}, "clean is not a schedule and a command"),
        ({"clean": {**CLEAN, "schedule": 5}}, "the schedule of clean, 5, is not a calendar expression"),
        ({"clean": {**CLEAN, "schedule": "daily\nOnCalendar=hourly"}}, "is not a calendar expression"),
        ({"clean": {**CLEAN, "schedule": "%h"}}, "is not a calendar expression"),
        ({"clean": {**CLEAN, "command": "a && b"}}, "the command of clean has &&"),
        ({"clean": {**CLEAN, "command": ""}}, "the command of clean is empty"),
        ({"clean": {**CLEAN, "command": ["a"]}}, "the command of clean is not a text"),
        ({"loop": CLEAN}, "the service cron-loop, which stack_processes has"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], sentence: str) -> None:
    found = only(list(jobs.problems_of({"stack_cron": given, "stack_processes": {"cron-loop": "x"}})))
    assert found.startswith("stack_cron: ")
    assert sentence in found


def test_the_host_is_asked_about_each_schedule_that_can_be_one() -> None:
    wrong = {"schedule": ["daily"], "command": "x"}
    given = {"a": {**CLEAN, "schedule": "dayly"}, "b": {**CLEAN, "schedule": "daily"}, "c": wrong, "d": None}
    values = {"stack_cron": given}
    assert jobs.schedules(values) == ["daily", "dayly"]
    probe = {"calendars": {"daily": "", "dayly": "Invalid argument"}}
    assert only(list(jobs.host_problems(values, probe))).startswith("stack_cron: the schedule of a does not work")


def test_when_an_expression_comes_next() -> None:
    assert system.parse_next_elapse(SHOWN) == "Sun 2026-11-29 00:00:00 UTC"
    assert system.parse_next_elapse("Normalized form: 2020-01-01 00:00:00\n    Next elapse: never\n") == "never"
    assert system.parse_next_elapse("") == ""


def test_without_systemd_nothing_is_said_of_a_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert system.calendar_problem("dayly") == ""


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "problem"),
    [
        (0, SHOWN, "", ""),
        (1, "", "Failed to parse calendar specification\n", "Failed to parse calendar specification"),
        (0, "    Next elapse: never\n", "", "it never comes"),
    ],
)
def test_what_systemd_says_of_a_calendar(
    monkeypatch: pytest.MonkeyPatch, code: int, stdout: str, stderr: str, problem: str
) -> None:
    done = system.run(["true"])
    done.returncode, done.stdout, done.stderr = code, stdout, stderr
    monkeypatch.setattr(system, "run", lambda _words: done)
    assert system.calendar_problem("daily") == problem
