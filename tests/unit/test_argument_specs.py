"""What a role says of its variables in meta/argument_specs.yml is what defaults/main.yml does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TEMPLATES = sorted(
    path.relative_to(ROOT)
    for pattern in ("templates/**/*.j2", "roles/*/templates/**/*.j2")
    for path in ROOT.glob(pattern)
    # JSON has no comments, and those of databases are a part of compose.yaml.
    if not path.name.endswith(".json.j2") and path.parent.name != "database"
)
OF_ROLE = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def options(role: Path) -> dict[str, dict[str, Any]]:
    """The options of all entry points together."""
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    return {name: option for spec in specs.values() for name, option in (spec.get("options") or {}).items()}


def defaults(role: Path) -> dict[str, Any]:
    values = load(role / "defaults/main.yml")
    return {name: value for name, value in values.items() if not name.startswith("__")}


@OF_ROLE
def test_every_default_is_described(role: Path) -> None:
    assert sorted(defaults(role).keys() - options(role).keys()) == []


@OF_ROLE
def test_every_described_variable_has_a_default_or_is_required(role: Path) -> None:
    optional = {name for name, option in options(role).items() if not option.get("required")}
    assert sorted(optional - defaults(role).keys()) == []


@OF_ROLE
def test_no_required_variable_has_a_default(role: Path) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert sorted(required & defaults(role).keys()) == []


@OF_ROLE
def test_both_say_the_same_default(role: Path) -> None:
    """But for those that a specification cannot hold: it says nothing of these but in words."""
    described = {name: option.get("default") for name, option in options(role).items() if not option.get("required")}
    expected = {name: None if name in evaluated(role) else value for name, value in defaults(role).items()}
    # YAML folds a long line in one file and not in the other: the space between words is no difference.
    assert {name: spaced(value) for name, value in described.items()} == {
        name: spaced(value) for name, value in expected.items()
    }


@OF_ROLE
def test_a_default_that_a_specification_cannot_hold_is_described(role: Path) -> None:
    told = {name: options(role)[name]["description"] for name in evaluated(role)}
    assert [name for name, description in told.items() if "By default " not in spaced(description)] == []
    assert [name for name in told if "default" in options(role)[name]] == []


def evaluated(role: Path) -> set[str]:
    """The variables whose default is an expression, and has the type of the option only once it is evaluated."""
    kinds = {name: option.get("type", "str") for name, option in options(role).items()}
    return {
        name
        for name, value in defaults(role).items()
        if isinstance(value, str) and "{{" in value and kinds[name] not in ("str", "path")
    }


def spaced(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


@OF_ROLE
def test_every_option_has_a_description_and_a_type(role: Path) -> None:
    told = options(role)
    assert [name for name, option in told.items() if not (option.get("description") and "type" in option)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_a_managed_file_says_so_in_its_first_lines(template: Path) -> None:
    """Only what a format wants before any comment may come first: an interpreter, a document type."""
    lines = (ROOT / template).read_text(encoding="utf-8").splitlines()
    of_file = [line for line in lines if not line.startswith(("#jinja2:", "{#", "{%", "#!", "<!", "---"))]
    assert "ansible_managed" in of_file[0]
