# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A value arrives as it is written, or is refused: what is a template is told from what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.yaml.loader import AnsibleLoader
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import load
from ansible_collections.landfall.django.plugins.plugin_utils._values import Fault, fault_of, leaves, undefined_in
from hypothesis import given
from hypothesis import strategies as st

from rendered import rendered, templar, trust_as_template

HOSTILE = (
    "p{{4",
    "}}p{{",
    "a{%b",
    "x{#y",
    "x{#y#}z",
    "{{ 7*7 }}",
    "{{ 'a' }}",
    "{{ true }}",
    "a{{ range }}b",
    "{% raw %}a{% endraw %}",
    "{% if vault %}a{% endif %}",
    "#jinja2: variable_start_string:'['",
    "{{ vault }}{# twice #}",
    "{{ vault }}{{ 1 }}",
    "{{ vault",
    "{{ vault }}\r\n",
)
PLAIN = ("", "a b", "p}}4", "a%}b", "{ {", "$HOME ${x}", "#x", "\\{", "a{b}c", "\r\n", "jinja2:")


def trusted(value: Any) -> Any:
    """As an inventory has it."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def fault(text: Any, **variables: Any) -> Fault | None:
    return fault_of(trusted(text), trusted({"vault": "x", **variables}))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_only_looks_like_a_template_is_refused(text: str) -> None:
    found = fault(text)
    assert found is not None
    assert found.place == ""
    assert "!unsafe" in found.reason or "variable of its own" in found.reason
    assert "vault" not in found.reason


@pytest.mark.parametrize("text", HOSTILE)
def test_marked_as_text_it_arrives_byte_for_byte(text: str) -> None:
    marked = wrap_var(text)
    assert fault_of(marked, {}) is None
    given = {"stack_secrets": {"IT": marked}, "__stack_image_probe": {"uid": 1000, "gid": 1000}}
    assert load(rendered("stack", "templates/env.j2", given))["IT"] == text


@pytest.mark.parametrize("text", [*PLAIN, *HOSTILE])
def test_a_yaml_file_marks_it(text: str) -> None:
    document = AnsibleLoader("a: !unsafe |-\n  " + repr(text)).get_single_data()
    assert fault_of(document["a"], {}) is None


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_are_none_of_its_business(text: str) -> None:
    assert fault(text) is None
    given = {"stack_secrets": {"IT": trusted(text)}}
    assert load(rendered("stack", "templates/env.j2", given))["IT"] == text


@pytest.mark.parametrize(
    "text",
    [
        "{{ vault }}",
        "redis://:{{ vault | urlencode }}@redis",
        "{{ vault }}-{{ also.inside['deep'] }}",
        "{{ lookup('ansible.builtin.env', 'TOKEN') }}",
        "{{ 'a' if vault else 'b' }}",
        "{{ [1, 2] | map('extract', vault) | landfall.django.dotenv }}",
        "{{ undefined_for_now }}",
        "{{ loop }}",
    ],
)
def test_a_reference_is_one(text: str) -> None:
    assert fault(text, also={"inside": {"deep": "y"}}, loop="{{ loop }}") is None


@pytest.mark.parametrize("text", [text for text in HOSTILE if "vault" not in text or "#" in text])
def test_what_a_reference_leads_to_is_held_to_the_same(text: str) -> None:
    found = fault("{{ smtp.password }}", smtp={"password": "{{ other[0] }}", "note": "{{ 1 }}"}, other=[text])
    assert found is not None
    assert found.place == "other.0"


@pytest.mark.parametrize("form", ["{{ lookup('vars', 'a') }}", "{{ (query('ansible.builtin.vars', 'b', 'a'))[0] }}"])
def test_a_variable_that_is_looked_up_is_a_reference_too(form: str) -> None:
    found = fault(form, a="{{ 7*7 }}")
    assert found is not None
    assert found.place == "a"
    assert fault(form, a="x") is None


def test_a_variable_may_decide_by_another_one() -> None:
    assert fault("{{ a }}", a="{% if vault %}b{% else %}c{% endif %}") is None
    assert fault("{{ a }}", a="{% if 1 %}b{% endif %}") is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ url }}{{ __stack_made.KEY }}", ["vault_host"]),
        ("{{ one }}{{ two[0].x }}", ["one", "two"]),
        ("{{ one | default('x') }}{{ 'a' if two is defined else three }}{{ now() }}", []),
        ("{{ lookup('ansible.builtin.env', name) | quote }}", ["name"]),
        ("{{ one", []),
        ("plain", []),
    ],
)
def test_what_nobody_defines_is_named_though_the_rest_is_made_later(text: str, names: list[str]) -> None:
    assert undefined_in(trusted(text), trusted({"url": "{{ [url, vault_host] }}"})) == names


TEMPLAR = templar("stack", {})


# Pieces that name nothing.
@given(
    st.lists(st.sampled_from(["{", "}", "%", "#", "-", "'", '"', "\\", "\n", "\r", " ", "1", "*", "(", ")", "[", ":"]))
)
def test_whatever_is_not_refused_arrives(pieces: list[str]) -> None:
    text = "".join(pieces)
    if fault(text) is None:
        assert TEMPLAR.template(trust_as_template(text)) == text


def test_what_is_not_a_text_is_passed_over() -> None:
    assert [fault(value) for value in (None, 1, True, 0.5)] == [None] * 4


def test_every_value_has_its_path() -> None:
    assert dict(leaves({"a": [1, {"b": 2}], "c": 3})) == {("a", "0"): 1, ("a", "1", "b"): 2, ("c",): 3}
