# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Result
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State
from ansible_collections.landfall.django.plugins.module_utils._status import backups

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY, LONG_AGO = "2026-11-28T03:10:09+00:00", "2026-11-20T03:10:09+00:00"
NAME = "20261128T031000Z"
GOOD = State(began=TODAY, ended=TODAY, name=NAME, at=TODAY, bytes=18 << 20, sent_name=NAME, sent_at=TODAY)
HERE, AWAY = Settings("shop"), Settings("shop", "s3:x")
RUNS = {f"landfall-{what}@shop.timer": {"ActiveState": "active"} for what in ("backup", "drill")}
NONE = Result()


def changed(**values: object) -> State:
    return State(**{**vars(GOOD), **values})


@pytest.mark.parametrize("settings", [HERE, AWAY], ids=["on the host", "in a repository"])
def test_a_good_backup_is_no_problem(settings: Settings) -> None:
    assert backups.problems(settings, GOOD, NONE, RUNS, NOW) == []
    row = backups.row(settings, GOOD, NONE)
    assert (row["at"], row["size"], row["result"]) == ("2026-11-28 03:10", "18 MiB", "success")
    assert row["sent"] == (NAME if settings.repository else "-")


@pytest.mark.parametrize(
    ("settings", "state", "units", "words"),
    [
        pytest.param(HERE, State(), RUNS, ["none on the host"], id="never ran"),
        pytest.param(AWAY, changed(sent_at=""), RUNS, ["none in the repository"], id="never sent"),
        pytest.param(AWAY, changed(sent_at=LONG_AGO), RUNS, ["in the repository", "overdue_hours"], id="sent long ago"),
        pytest.param(HERE, changed(at=LONG_AGO), RUNS, ["on the host", "2026-11-20 03:10"], id="made long ago"),
        pytest.param(HERE, changed(error="no space"), RUNS, ["failed: no space"], id="failed"),
        pytest.param(HERE, GOOD, {}, ["timer"], id="no timer"),
    ],
)
def test_what_may_not_come_back_is_a_problem(
    settings: Settings, state: State, units: backups.Units, words: list[str]
) -> None:
    (sentence,) = backups.problems(settings, state, NONE, units, NOW)
    assert [word for word in words if word not in sentence] == []


def test_without_a_schedule_no_timer_is_missed() -> None:
    assert backups.problems(Settings("shop", scheduled=False), GOOD, NONE, {}, NOW) == []


def test_a_run_that_has_not_ended_is_told() -> None:
    assert "running" in backups.row(HERE, changed(ended=""), NONE)["result"]
    assert "no space" in backups.row(HERE, changed(error="no space\nmore"), NONE)["result"]


DRILLS = Settings("shop", drill_overdue_days=9)


@pytest.mark.parametrize(
    ("drill", "units", "word"),
    [
        pytest.param(NONE, RUNS, "none has", id="never ran"),
        pytest.param(Result(at=TODAY, error="truncated"), RUNS, "truncated", id="failed"),
        pytest.param(Result(at="2026-11-01T00:00:00+00:00", ok=True), RUNS, "2026-11-01", id="long ago"),
        pytest.param(
            Result(at=TODAY, ok=True), {"landfall-backup@shop.timer": {"ActiveState": "active"}}, "timer", id="no timer"
        ),
    ],
)
def test_a_drill_that_shows_nothing_is_a_problem(drill: Result, units: backups.Units, word: str) -> None:
    (sentence,) = backups.problems(DRILLS, GOOD, drill, units, NOW)
    assert word in sentence


def test_a_good_drill_is_no_problem() -> None:
    good = Result(at=TODAY, ok=True)
    assert backups.problems(DRILLS, GOOD, good, RUNS, NOW) == []
    assert backups.row(DRILLS, GOOD, good)["drill"] == "2026-11-28 success"
    assert backups.row(DRILLS, GOOD, NONE)["drill"] == "never"
