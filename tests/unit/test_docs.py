"""The generated tables of variables."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import docs


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
