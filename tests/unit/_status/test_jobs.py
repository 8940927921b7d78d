# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of jobs, from what systemd 257 says of a timer and its service."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._status import jobs, look, services

from tests.unit.sentences import only

TIMER = """\
LastTriggerUSec=Sat 2026-11-28 03:15:00 UTC
NextElapseUSecRealtime=Sun 2026-11-29 03:15:00 UTC
Result=success
Id=landfall-shop.clean.timer
ActiveState=active
"""
SERVICE = """\
ExecMainStartTimestamp=Sat 2026-11-28 03:15:01 UTC
ExecMainStatus=0
Result=success
Id=landfall-shop.clean.service
ActiveState=inactive
"""
FAILED = SERVICE.replace("Status=0", "Status=3").replace("success", "exit-code").replace("inactive", "failed")
KILLED = SERVICE.replace("success", "signal").replace("inactive", "failed")
REBOOTED = SERVICE.replace("Sat 2026-11-28 03:15:01 UTC", "")


@pytest.mark.parametrize(
    ("service", "last", "result", "problem"),
    [
        (SERVICE, "Sat 2026-11-28 03:15:01 UTC", "success", ""),
        (SERVICE.replace("inactive", "activating"), "Sat 2026-11-28 03:15:01 UTC", "running", ""),
        (FAILED, "Sat 2026-11-28 03:15:01 UTC", "failed with code 3", "job clean: its last run failed with code 3"),
        (KILLED, "Sat 2026-11-28 03:15:01 UTC", "failed (signal)", "job clean: its last run failed (signal)"),
        (REBOOTED, "Sat 2026-11-28 03:15:00 UTC", "-", ""),
    ],
)
def test_how_a_job_ended(service: str, last: str, result: str, problem: str) -> None:
    units = services.units(f"{TIMER}\n{service}")
    (row,) = jobs.rows("shop", ["clean"], units)
    assert row == {"job": "clean", "last": last, "result": result, "next": "Sun 2026-11-29 03:15:00 UTC"}
    found = jobs.problems("shop", ["clean"], units)
    assert only(found).startswith(problem) if problem else found == []


def test_a_timer_that_does_not_run_is_a_problem() -> None:
    units = services.units(f"{TIMER.replace('=active', '=inactive')}\n{SERVICE}")
    assert "job clean: its timer does not run" in only(jobs.problems("shop", ["clean"], units))


def test_a_job_that_never_ran_has_no_last_time() -> None:
    timer = TIMER.replace("LastTriggerUSec=Sat 2026-11-28 03:15:00 UTC", "LastTriggerUSec=n/a")
    (row,) = jobs.rows("shop", ["clean"], services.units(f"{timer}\n{REBOOTED}"))
    assert (row["last"], row["result"]) == ("-", "-")


def test_only_the_own_stacks_timers_count(tmp_path: Path) -> None:
    for name in ("landfall-shop.clean", "landfall-shop.a-b", "landfall-shop-two.c", "landfall-front", "certbot"):
        (tmp_path / f"{name}.timer").touch()
        (tmp_path / f"{name}.service").touch()
    assert jobs.jobs("shop", str(tmp_path)) == ["a-b", "clean"]
    assert jobs.units_of("shop", ["a-b"]) == ["landfall-shop.a-b.timer", "landfall-shop.a-b.service"]


def test_a_host_without_jobs_asks_systemd_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look.jobs, "jobs", lambda _stack: [])
    monkeypatch.setattr(look, "run", None)
    assert look.check_jobs(look.Stack("shop", "/srv/shop")) == look.Found()
