# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State
from ansible_collections.landfall.django.plugins.module_utils._status import backups

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY, LONG_AGO = "2026-11-28T03:10:09+00:00", "2026-11-20T03:10:09+00:00"
NAME = "20261128T031000Z"
GOOD = State(began=TODAY, ended=TODAY, name=NAME, at=TODAY, bytes=18 << 20, sent_name=NAME, sent_at=TODAY)
HERE, AWAY = Settings("shop"), Settings("shop", "s3:x")
RUNS = {"landfall-backup@shop.timer": {"ActiveState": "active"}}


def changed(**values: object) -> State:
    return State(**{**vars(GOOD), **values})


@pytest.mark.parametrize("settings", [HERE, AWAY], ids=["on the host", "in a repository"])
def test_a_good_backup_is_no_problem(settings: Settings) -> None:
    assert backups.problems(settings, GOOD, RUNS, NOW) == []
    row = backups.row(settings, GOOD)
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
    (sentence,) = backups.problems(settings, state, units, NOW)
    assert [word for word in words if word not in sentence] == []


def test_without_a_schedule_no_timer_is_missed() -> None:
    assert backups.problems(Settings("shop", scheduled=False), GOOD, {}, NOW) == []


def test_a_run_that_has_not_ended_is_told() -> None:
    assert "running" in backups.row(HERE, changed(ended=""))["result"]
    assert "no space" in backups.row(HERE, changed(error="no space\nmore"))["result"]
