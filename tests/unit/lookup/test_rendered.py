# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup rendered: what the lookup template returns, without its copy of every value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rendered import variable

TEMPLATES = {
    "greeting.j2": "{% if true %}\n{{ name }} from {{ template_path | basename }}\n{% endif %}\n\n",
    "nested.j2": "{{ lookup('landfall.django.rendered', template_dir ~ '/greeting.j2') | indent(2, first=true) }}",
    "given.j2": "{{ name }} and {{ more }}",
}


class Uncopied(str):
    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> str:
        raise AssertionError("a variable was copied")


def looked_up(folder: Path, plugin: str, term: str, **variables: Any) -> str:
    for name, text in TEMPLATES.items():
        (folder / name).write_text(text)
    known = {"template_dir": str(folder), "name": "Ann", **variables}
    return str(variable("stack", f"lookup('{plugin}', {term})", known))


@pytest.mark.parametrize(
    "term", ["template_dir ~ '/greeting.j2'", "template_dir ~ '/given.j2', template_vars={'name': 'Bob', 'more': 1}"]
)
def test_it_returns_what_the_lookup_template_returns(tmp_path: Path, term: str) -> None:
    expected = looked_up(tmp_path, "ansible.builtin.template", term)
    assert looked_up(tmp_path, "landfall.django.rendered", term) == expected


def test_a_template_may_look_up_another_one(tmp_path: Path) -> None:
    found = looked_up(tmp_path, "landfall.django.rendered", "template_dir ~ '/nested.j2'")
    assert found.strip() == "Ann from greeting.j2"


def test_no_value_is_copied(tmp_path: Path) -> None:
    other = {"other": [Uncopied("other")]}
    with pytest.raises(Exception, match="copied"):
        looked_up(tmp_path, "ansible.builtin.template", "template_dir ~ '/greeting.j2'", **other)
    assert looked_up(tmp_path, "landfall.django.rendered", "template_dir ~ '/greeting.j2'", **other)


def test_what_is_added_for_one_template_is_not_there_afterwards(tmp_path: Path) -> None:
    term = "template_dir ~ '/given.j2', template_vars={'more': 1}"
    found = looked_up(tmp_path, "landfall.django.rendered", term + ") ~ (more is defined) ~ (template_path is defined")
    assert found == "Ann and 1FalseFalse"
