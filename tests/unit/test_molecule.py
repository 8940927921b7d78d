"""On which hosts the tests of a scenario run."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

MOLECULE = Path(__file__).parents[2] / "molecule"


@pytest.fixture
def conftest() -> ModuleType:
    spec = importlib.util.spec_from_file_location("molecule_conftest", MOLECULE / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("scenario", "hosts"),
    [("default", "ansible://bookworm,ansible://trixie"), ("releases", "ansible://releases")],
)
def test_each_host_of_a_scenario_is_named(conftest, monkeypatch: pytest.MonkeyPatch, scenario: str, hosts: str) -> None:
    """testinfra finds no host for a pattern of several, and pytest would skip the tests of no host."""
    monkeypatch.setenv("MOLECULE_FILE", str(MOLECULE / scenario / "molecule.yml"))
    option = SimpleNamespace()
    conftest.pytest_configure(SimpleNamespace(option=option))
    assert option.hosts == hosts
