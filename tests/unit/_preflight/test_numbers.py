# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every number among the roles' variables has bounds, and each default is inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._preflight.numbers import BOUNDS, problems_of

from tests.unit.sentences import only

SPECS = sorted((Path(__file__).parents[3] / "roles").glob("*/meta/argument_specs.yml"))


def numbers() -> dict[str, Any]:
    """The variables that are whole numbers, with their defaults."""
    options: dict[str, Any] = {}
    for file in SPECS:
        for entry in yaml.safe_load(file.read_text())["argument_specs"].values():
            options |= entry.get("options") or {}
    return {name: option.get("default") for name, option in options.items() if option["type"] in ("int", "float")}


def test_no_number_is_without_bounds_and_no_bound_without_a_number() -> None:
    assert sorted(BOUNDS) == sorted(numbers())


def test_every_default_is_good() -> None:
    assert list(problems_of(numbers())) == []


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_what_is_out_of_bounds_is_refused_and_the_bounds_are_not(name: str) -> None:
    least, most, _fault = BOUNDS[name]
    for value in (least - 1, most + 1, -1):
        assert only(list(problems_of({name: value}))).startswith(f"{name}: {value} ")
    assert list(problems_of({name: least})) == list(problems_of({name: most})) == []
