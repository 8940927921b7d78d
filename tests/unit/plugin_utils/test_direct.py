# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every action that does the work of its module is given the same options, and all that it sends runs by itself."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import ansible_collections.landfall.django as collection
import pytest
import yaml
from ansible_collections.landfall.django.plugins.doc_fragments._project import ModuleDocFragment
from ansible_collections.landfall.django.plugins.plugin_utils import _program
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction

PLUGINS = Path(collection.__path__[0]) / "plugins"
PACKAGE = "ansible_collections.landfall.django.plugins"


def direct() -> list[type[DirectAction]]:
    names = [file.stem for file in sorted((PLUGINS / "action").glob("*.py"))]
    actions = [importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule for name in names]
    return [action for action in actions if issubclass(action, DirectAction)]


def shared(fragments: list[str]) -> set[str]:
    """The options that are documented for several modules."""
    names = [one.rpartition(".")[2] for one in fragments if one.startswith("landfall.django._project")]
    texts = [getattr(ModuleDocFragment, "DOCUMENTATION" if name == "_project" else name.upper()) for name in names]
    return {option for text in texts for option in yaml.safe_load(text)["options"]}


ACTIONS = pytest.mark.parametrize("action", direct(), ids=lambda action: action.module)


@ACTIONS
def test_the_action_has_the_options_of_the_module(action: type[DirectAction]) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{action.module}")
    assert action.__module__ == f"{PACKAGE}.action.{action.module}"
    documented = yaml.safe_load(module.DOCUMENTATION)
    assert {*documented["options"], *shared(documented["extends_documentation_fragment"])} == set(action.spec)
    # On the controller, a path would be expanded with the home there.
    assert "path" not in {option["type"] for option in action.spec.values()}


@ACTIONS
def test_what_is_sent_needs_the_standard_library_only(action: type[DirectAction]) -> None:
    code = _program.program(action.work, "result", {})
    ran = subprocess.run([sys.executable, "-I", "-S", "-"], input=code, capture_output=True, text=True, check=False)
    # All was imported before the call, which has no arguments.
    assert "result() missing 2 required positional arguments" in ran.stderr


@ACTIONS
def test_a_check_is_skipped_where_the_module_has_none(action: type[DirectAction]) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{action.module}")
    documented = yaml.safe_load(module.DOCUMENTATION).get("attributes", {}).get("check_mode", {})
    assert action._supports_check_mode is (documented.get("support", "full") == "full")
