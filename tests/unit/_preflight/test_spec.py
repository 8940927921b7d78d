# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names, types and choices of variables, held against the roles' argument specs."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._preflight import spec

from tests.unit.sentences import only

ROOT = Path(__file__).parents[3]
OPTIONS = yaml.safe_load((ROOT / "roles/stack/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]


def test_unknown_names_are_told_what_they_may_have_meant() -> None:
    names = ["stack_name", "stack_domain", "stack_colour_of_the_logo", "my_stack", "nginx_root"]
    far, near = spec.unknown_names(names, OPTIONS)
    assert near == "stack_domain: there is no such variable: did you mean stack_domains?"
    assert far.startswith("stack_colour_of_the_logo: there is no such variable: remove it")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("stack_mode", "prod", "'prod' is not one of its choices: set it to one of production, development."),
        ("stack_port", "abc", "'abc' is not a whole number: give a whole number, such as 8000."),
        ("stack_port", True, "True is not a whole number"),
        ("stack_redis", "perhaps", "'perhaps' is not true or false"),
        ("stack_domains", "shop.example.com", "write it in brackets, as stack_domains: [shop.example.com]."),
        ("stack_processes", "worker", "'worker' is not a dictionary of names and values"),
        ("stack_git_version", 1.1, "1.1 is not a text: put the value in quotes"),
        ("stack_git_version", datetime.date(2026, 1, 2), "2026-01-02 is not a text: put the value in quotes"),
        ("stack_name", ["shop"], "['shop'] is not a text"),
        ("stack_database_password", ["hidden"], "the value given is not a text"),
        ("stack_alarms", {"queue_tasks": "many"}, "stack_alarms: queue_tasks: the value given is not a whole number"),
        ("stack_alarms", {"apprise": {"a": "hidden"}}, "stack_alarms: apprise: the value given is not a list"),
        ("stack_alarms", {"urls": "hidden"}, "stack_alarms.urls"),
    ],
)
def test_types_and_choices(name: str, value: Any, sentence: str) -> None:
    good, found = spec.checked(OPTIONS, {name: value})
    assert only(found).startswith(f"{name}: ")
    assert sentence in found[0]
    assert good == {}


def test_good_values_get_their_types() -> None:
    values = {"stack_port": "8001", "stack_redis": "no", "stack_name": "shop", "stack_domains": None, "other": 1}
    good, found = spec.checked(OPTIONS, values)
    assert found == []
    assert good == {"stack_port": 8001, "stack_redis": False, "stack_name": "shop", "stack_domains": []}


def test_what_the_role_makes_later_is_waited_for() -> None:
    variables = {
        "a": "{{ b }}",
        "b": ["x", {"k": "{{ __stack_made.KEY }}"}],
        "c": "{{ c }} {{ d }}",
        "e": "__stack_made",
    }
    waits = {name: spec.waits_for_the_role(variables[name], variables) for name in variables}
    assert waits == {"a": True, "b": True, "c": False, "e": False}
