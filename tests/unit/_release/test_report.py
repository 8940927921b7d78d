# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import report
from ansible_collections.landfall.django.plugins.module_utils._release.record import FAILED, SERVING, Record

SERVED = Record(
    7,
    state=SERVING,
    by="ann",
    at="2026-11-25T03:31:00+00:00",
    site={"image": "shop:a"},
    seconds=8.44,
    proof={"requests": 96, "failures": 0},
)
REFUSED = Record(8, state=FAILED, by="bob", at="2026-11-25T04:02:00+00:00", error="the migration failed", seconds=3)
CUT_OFF = Record(9, state="migrating", by="bob", at="2026-11-25T04:05:00+00:00")


def test_the_last_attempts_are_listed_newest_first_with_what_went_wrong():
    rows = report.rows([SERVED, REFUSED], is_under_way=False)
    assert [(row["release"], row["state"], row["reason"]) for row in rows] == [
        ("8", "failed", "the migration failed"),
        ("7", "serving", ""),
    ]
    assert (rows[1]["image"], rows[1]["lost"], rows[1]["at"]) == ("shop:a", "0 of 96", "2026-11-25 03:31")
    assert rows[0]["lost"] == "-"


def test_a_rollback_says_where_it_went():
    back = Record(9, state=SERVING, rollback_to=7)
    assert report.rows([back], is_under_way=False)[0]["release"] == "9 (back to 7)"


@pytest.mark.parametrize(("is_under_way", "state"), [(True, "migrating"), (False, "interrupted")])
def test_one_that_nobody_works_at_any_more_was_interrupted(is_under_way, state):
    rows = report.rows([SERVED, CUT_OFF], is_under_way)
    assert rows[0]["state"] == state
    assert bool(report.problems([SERVED, CUT_OFF], is_under_way)) is not is_under_way


def test_what_was_cut_off_is_a_problem_with_its_state_and_its_cure():
    (said,) = report.problems([SERVED, CUT_OFF], is_under_way=False)
    assert "release 9" in said
    assert "migrating" in said
    assert "landfall.django.deploy" in said


@pytest.mark.parametrize("records", [[], [SERVED], [SERVED, REFUSED]])
def test_a_release_that_failed_was_told_already(records):
    assert report.problems(records, is_under_way=False) == []
