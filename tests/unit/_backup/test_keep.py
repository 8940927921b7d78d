# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep, kept, name_of, time_of

DAILY = [f"202611{day:02}T030000Z" for day in range(1, 29)]


def days(*numbers):
    return [f"202611{day:02}T030000Z" for day in numbers]


@pytest.mark.parametrize(
    ("names", "keep", "stay"),
    [
        pytest.param([], Keep(7, 4, 6), [], id="none"),
        pytest.param(days(3), Keep(0, 0, 0), days(3), id="the only one, although none is kept"),
        pytest.param(DAILY, Keep(0, 0, 0), days(28), id="the newest one only"),
        pytest.param(DAILY, Keep(3, 0, 0), days(26, 27, 28), id="days"),
        pytest.param(DAILY, Keep(0, 2, 0), days(22, 28), id="weeks end on Sunday"),
        pytest.param(DAILY, Keep(0, 0, 2), days(28), id="a month"),
        pytest.param(["20251231T000000Z", *DAILY], Keep(1, 0, 2), ["20251231T000000Z", *days(28)], id="months"),
        pytest.param(DAILY, Keep(2, 2, 1), days(22, 27, 28), id="all together"),
        pytest.param(days(1, 9, 17), Keep(2, 0, 0), days(9, 17), id="days without a backup do not count"),
        pytest.param(
            ["20261128T010000Z", "20261128T230000Z", *days(27)],
            Keep(2, 0, 0),
            ["20261128T230000Z", *days(27)],
            id="the last one of a day",
        ),
        pytest.param([*DAILY, "state.json", "20261128"], Keep(1, 0, 0), days(28), id="other names are none of ours"),
        pytest.param(
            ["20260101T000000Z", "20261231T000000Z"],
            Keep(0, 2, 0),
            ["20260101T000000Z", "20261231T000000Z"],
            id="the last days of December belong to a week of the next year",
        ),
    ],
)
def test_the_newest_of_each_period_stays(names, keep, stay):
    newest = max((name for name in names if time_of(name)), default="")
    assert kept(names, keep, newest) == set(stay)


def test_what_was_just_made_stays_after_the_clock_was_set_back():
    assert kept(DAILY, Keep(0, 0, 0), DAILY[4]) == {DAILY[4], DAILY[-1]}


def test_a_name_is_the_time():
    assert name_of(time_of("20261128T030000Z")) == "20261128T030000Z"
    assert time_of("20261128T030000Z.partial") is None
