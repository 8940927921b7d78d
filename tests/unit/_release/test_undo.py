# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo


def test_the_later_is_undone_first_and_what_is_urgent_before_all():
    done = []
    undo = Undo()
    for what in ("one", "two"):
        undo.add(what, done.append, what)
    undo.add("three", done.append, "three", urgent=True)
    undo.add("four", done.append, "four")
    assert undo.run() == []
    assert done == ["three", "four", "two", "one"]


def test_a_way_back_that_fails_stops_no_other_and_the_first_is_told_first():
    done = []
    undo = Undo()
    undo.add("open the door", done.append, "door")
    undo.add("light the lamp", lambda: 1 / 0)
    undo.add("call", {}.__getitem__, "nobody")
    problems = undo.run()
    assert done == ["door"]
    assert [problem.split(":")[0] for problem in problems] == ["could not call", "could not light the lamp"]


def test_nothing_is_undone_twice():
    done = []
    undo = Undo()
    undo.add("once", done.append, 1)
    undo.run()
    undo.run()
    assert done == [1]
