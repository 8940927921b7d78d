# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told, and what is not, over several rounds."""

from __future__ import annotations

import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import state
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Event, Known, Problem, State

WEB = Problem("services", "web", "web: its container shop-web-1 is unhealthy: see docker logs shop-web-1.")
DISK = Problem("disk", "/", "/: 81 % of the file system is in use.")
FULL = Problem("disk", "/", "/: 96 % of the file system is in use.", severe=True)


def told(*rounds: list[Problem], failed: tuple[str, ...] = ()) -> list[list[tuple[str, str]]]:
    """What each round tells: ids and levels. The last round is the one in which the checks in `failed` cannot run."""
    known: dict[str, Known] = {}
    said = []
    for number, problems in enumerate(rounds, 1):
        broken = failed if number == len(rounds) else ()
        known, events = state.compare(known, problems, broken, f"at {number}")
        # As it is read after a reboot.
        known = state.parse(json.loads(json.dumps(State(known).as_dict()))).problems
        said.append([(event.id, event.level) for event in events])
    return said


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        pytest.param([[WEB], [WEB], [WEB]], [[], ["problem"], []], id="once"),
        pytest.param([[WEB], [], [], [], [WEB], []], [[], [], [], [], [], []], id="two single sights"),
        pytest.param([[FULL], [FULL]], [["severe"], []], id="severe at once"),
        pytest.param([[WEB], [WEB], [], [], [], []], [[], ["problem"], [], [], ["recovered"], []], id="recovery once"),
        pytest.param(
            [[WEB], [], [WEB], [], [], [WEB], [], [WEB]], [[], [], ["problem"], [], [], [], [], []], id="restart loop"
        ),
        pytest.param([[DISK], [DISK], [FULL], [DISK], [FULL]], [[], ["problem"], ["severe"], [], []], id="worse once"),
        pytest.param(
            [[WEB], [WEB], [], [], [], [WEB], [WEB]],
            [[], ["problem"], [], [], ["recovered"], [], ["problem"]],
            id="again after its recovery",
        ),
    ],
)
def test_a_change_is_told_once(rounds: list[list[Problem]], expected: list[list[str]]) -> None:
    assert [[level for _, level in events] for events in told(*rounds)] == expected


def test_another_number_in_the_sentence_is_no_change() -> None:
    fuller = Problem("disk", "/", "/: 82 % of the file system is in use.")
    assert told([DISK], [DISK], [fuller])[2] == []


def test_a_check_that_cannot_run_recovers_nothing() -> None:
    rounds = [[WEB, DISK], [WEB, DISK], [], [], []]
    assert told(*rounds)[-1] == [("services/web", "recovered"), ("disk//", "recovered")]
    assert told(*rounds, failed=("services",))[-1] == [("disk//", "recovered")]


def test_a_recovery_says_what_it_was_and_since_when() -> None:
    known: dict[str, Known] = {}
    events: list[Event] = []
    for number, problems in enumerate([[WEB], [WEB], [], [], []]):
        known, events = state.compare(known, problems, (), f"at {number}")
    assert events == [Event("services/web", "recovered", WEB.sentence, since="at 0", at="at 4")]
    assert known == {}


def test_two_problems_of_one_subject_are_one() -> None:
    (problem, other) = state.merged("certificate", ["shop: is late: renew it.", "timer: stopped.", "shop: is another."])
    assert problem == Problem("certificate", "shop", "shop: is late: renew it. shop: is another.")
    assert other.id == "certificate/timer"


def test_what_a_channel_has_not_taken_waits_with_what_is_new() -> None:
    old, new = (Event(name, "problem", "a: b.", "1", "1") for name in ("old", "new"))
    waiting = state.queued({"url": [old], "gone": [old]}, ["url", "email"], [new])
    assert waiting == {"url": [old, new], "email": [new]}
    assert len(state.queued({"url": [old] * 200}, ["url"], [new])["url"]) == 100


def test_the_state_is_read_as_it_was_written() -> None:
    event = Event("a/b", "severe", "b: c.", "1", "2")
    full = State(
        {"a/b": Known("b: c.", "1", 2, 0, "severe")}, {"url": [event]}, {"url": "no"}, {"celery": ("f", 2.0)}, 5
    )
    assert state.parse(json.loads(json.dumps(full.as_dict()))) == full


@pytest.mark.parametrize("data", [{}, {"problems": []}, {**State().as_dict(), "heads": {"celery": 1}}])
def test_something_else_is_no_state(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="state"):
        state.parse(data)
