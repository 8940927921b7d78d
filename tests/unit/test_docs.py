"""The tables of variables, which are generated, and the examples, which name variables that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import docs

PAGES = sorted(
    path.relative_to(docs.ROOT) for pattern in ("*.md", "docs/*.md", "roles/*/*.md") for path in docs.ROOT.glob(pattern)
)
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
OF_A_ROLE = re.compile(r"(backup|docker|hardening|letsencrypt|nginx|stack)_[a-z0-9_]+")


class Loader(yaml.SafeLoader):
    """With Ansible's tags."""


def unsafe(loader: Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


Loader.add_constructor("!unsafe", unsafe)


def test_every_readme_is_what_the_specs_say() -> None:
    assert [str(readme.relative_to(docs.ROOT)) for readme, _wanted in docs.stale(docs.ROOT)] == []


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("Mode V(0600) of C(.env).", "Mode `0600` of `.env`."),
        (["First.", "Then O(stack_name)."], "First. Then `stack_name`."),
        ("V(a\\)b) and L(the guide, https://example.com)", "`a)b` and [the guide](https://example.com)"),
        ("this | that", "this \\| that"),
        ("C(a | b)", "`a \\| b`"),
        ("HTTP(S) stays", "HTTP(S) stays"),
    ],
)
def test_markup(markup: str | list[str], markdown: str) -> None:
    assert docs.text(markup) == markdown


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ({"required": True}, "required"),
        ({}, ""),
        ({"default": ""}, '`""`'),
        ({"default": []}, "`[]`"),
        ({"default": False}, "`false`"),
        ({"default": "{{ a | b }}"}, "`{{ a \\| b }}`"),
    ],
)
def test_default(option: dict[str, object], shown: str) -> None:
    assert docs.default(option) == shown


def role(root: Path, readme: str) -> Path:
    meta = root / "roles/thing/meta"
    meta.mkdir(parents=True)
    options = {
        "thing_size": {"type": "int", "default": 3, "description": "Its size."},
        "thing_parts": {"type": "list", "elements": "dict", "options": {"name": {"required": True}}},
    }
    specs = {"argument_specs": {"main": {"options": options}, "other": {"options": {}}}}
    (meta / "argument_specs.yml").write_text(yaml.safe_dump(specs, sort_keys=False), encoding="utf-8")
    (root / "roles/thing/README.md").write_text(readme, encoding="utf-8")
    return root


def test_writes_between_the_markers_only(tmp_path: Path) -> None:
    root = role(tmp_path, f"# thing\n{docs.BEGIN}\nold\n{docs.END}\nafter\n")
    ((readme, wanted),) = docs.stale(root)
    assert wanted == (
        f"# thing\n{docs.BEGIN}\n{docs.HEAD}"
        "| `thing_size` | int | `3` | Its size. |\n"
        "| `thing_parts` | list of dict |  |  |\n"
        "| `thing_parts.name` | str | required |  |\n"
        f"{docs.END}\nafter\n"
    )
    readme.write_text(wanted, encoding="utf-8")
    assert list(docs.stale(root)) == []


def test_a_readme_without_markers_gets_a_section(tmp_path: Path) -> None:
    ((_readme, wanted),) = docs.stale(role(tmp_path, "# thing\n"))
    assert wanted.startswith(f"# thing\n\n## Variables\n\n{docs.BEGIN}\n| variable |")
    assert wanted.endswith(f"\n{docs.END}\n")


def names(value: Any) -> Iterator[str]:
    """The keys of all dictionaries in an example."""
    if isinstance(value, dict):
        yield from map(str, value)
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from names(item)


def known() -> set[str]:
    specs = (yaml.safe_load(path.read_text()) for path in docs.ROOT.glob("roles/*/meta/argument_specs.yml"))
    return {name for spec in specs for entry in spec["argument_specs"].values() for name in entry.get("options", {})}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_examples_of_a_page_name_variables_that_exist(page: Path) -> None:
    blocks = [text for _indent, text in BLOCK.findall((docs.ROOT / page).read_text(encoding="utf-8"))]
    found = {name for text in blocks for name in names(yaml.load(text, Loader)) if OF_A_ROLE.fullmatch(name)}
    assert sorted(found - known()) == []


def test_the_recipes_are_read() -> None:
    assert len(BLOCK.findall((docs.ROOT / "docs/recipes.md").read_text(encoding="utf-8"))) == 7
