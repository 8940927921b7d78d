# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import queues
from ansible_collections.landfall.django.plugins.module_utils._alarms.queues import Tasks

from tests.unit.sentences import only


def test_the_lists_are_read_as_lua_prints_them() -> None:
    text = '{"lists":[["celery","celery",3,"f00"],["celery","celery\\u0006\\u00169",1,"ba5"]]}\n'
    assert queues.parse(text) == [
        Tasks("celery", "celery", 3, "f00"),
        Tasks("celery", "celery\x06\x169", 1, "ba5"),
    ]
    assert queues.parse('{"lists":{}}') == []


def test_priorities_are_counted_together() -> None:
    found, heads = queues.waiting(
        [Tasks("celery", "celery", 3, "a"), Tasks("celery", "celery\x06\x169", 1, "b")], {}, 9
    )
    assert [(one.name, one.value, one.labels) for one in found.measures] == [
        ("queue_tasks", 4, {"queue": "celery"}),
        ("queue_oldest_task_age_seconds", 0, {"queue": "celery"}),
    ]
    assert heads == {"celery": ("a", 9), "celery\x06\x169": ("b", 9)}


@pytest.mark.parametrize(
    ("head", "now", "age"),
    [
        pytest.param("a", 1060.0, 60, id="the same task is next in line"),
        pytest.param("b", 1060.0, 0, id="a worker takes tasks"),
        pytest.param("a", 900.0, 0, id="the clock was set back"),
    ],
)
def test_the_oldest_task_has_waited_since_it_was_first_seen(head: str, now: float, age: float) -> None:
    found, _ = queues.waiting([Tasks("celery", "celery", 1, head)], {"celery": ("a", 1000.0)}, now)
    assert found.measures[-1].value == age


def test_an_empty_queue_grows_no_older() -> None:
    found, heads = queues.waiting([Tasks("celery", "celery", 0, "")], {"celery": ("", 1000.0)}, 1060.0)
    assert [one.value for one in found.measures] == [0, 0]
    assert heads == {"celery": ("", 1060.0)}
    assert queues.waiting([], heads, 1060.0)[1] == {}


@pytest.mark.parametrize(
    ("count", "minutes", "variable"), [(101, 0, "queue_tasks"), (1, 16, "queue_minutes"), (100, 15, "")]
)
def test_a_queue_is_a_problem_by_its_length_or_its_age(count: int, minutes: int, variable: str) -> None:
    heads = {"mail": ("a", 0.0)}
    found, _ = queues.waiting([Tasks("mail", "mail", count, "a")], heads, minutes * 60)
    sentences = queues.problems(found.measures, 100, 15)
    if variable:
        assert only(sentences).startswith("queue mail: ")
        assert variable in sentences[0]
    else:
        assert sentences == []
