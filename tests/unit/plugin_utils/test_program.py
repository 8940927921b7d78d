# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functions of module_utils run on a host as they are, by nothing but its Python."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.action import preflight
from ansible_collections.landfall.django.plugins.module_utils._project import profile
from ansible_collections.landfall.django.plugins.plugin_utils import _program


class Action:
    """An action whose host is this machine, by a shell."""

    def __init__(self, pipelining: bool = True, noise: str = "") -> None:
        self._templar = types.SimpleNamespace(template=lambda value: value)
        self.pipelining = pipelining
        self.noise = noise
        self.commands: list[str] = []

    def _is_pipelining_enabled(self, module_style: str) -> bool:
        return self.pipelining and module_style == "new"

    def _low_level_execute_command(self, command: str, in_data: bytes | None = None) -> dict[str, Any]:
        self.commands.append(command)
        ran = subprocess.run(["sh", "-c", command], input=in_data or b"", capture_output=True, check=False, cwd="/")
        return {"rc": ran.returncode, "stdout": self.noise + ran.stdout.decode(), "stderr": ran.stderr.decode()}


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_host_is_looked_at_by_its_python_alone(tmp_path: Path, pipelining: bool) -> None:
    (tmp_path / "it's here").touch()
    asked = {"stack_root": str(tmp_path), "programs": ["sh", "no-such-program"], "accounts": ["root"]}
    action = Action(pipelining, noise="Welcome!\n")
    found = _program.call(action, preflight.PROBE, "look", asked, {})
    assert found["stack_files"] == ["it's here"]
    assert found["programs"] == {"sh": True, "no-such-program": False}
    assert found["distribution"]["id"]
    assert (str(tmp_path) in action.commands[0]) is not pipelining


def test_an_error_on_the_host_fails_the_task() -> None:
    failed = _program.call(Action(), preflight.PROBE, "look", {"no_such": "option"}, {})
    assert failed["failed"]
    assert "no_such" in failed["msg"]
    assert "Traceback" in failed["exception"]


def test_the_interpreter_of_the_inventory_runs_it() -> None:
    action = Action()
    failed = _program.call(action, preflight.PROBE, "look", {}, {"ansible_python_interpreter": "/no/such/python3"})
    assert action.commands[0].startswith("/no/such/python3 ")
    assert failed["failed"]
    assert "/no/such/python3" in failed["msg"]
    _program.call(action, preflight.PROBE, "look", {}, {"ansible_python_interpreter": "auto_silent"})
    assert action.commands[1].startswith("python3 ")


def test_every_supported_ansible_tells_whether_it_pipelines() -> None:
    assert callable(ActionBase._is_pipelining_enabled)


def test_what_a_module_imports_is_sent_before_it() -> None:
    sent = _program.needed("_files.bring")
    assert sent[-1] == "_files.bring"
    # Of a package, and of what another one imports.
    assert sent.index("_files.replace") < sent.index("_files.tree")
    assert {"_text", "_files.walk", "_commands.run"} <= set(sent)
    assert len(set(sent)) == len(sent)


def test_a_module_can_read_the_source_of_another_one() -> None:
    code = _program.program("_project.profile", "key", {"image_id": "sha256:1"})
    ran = subprocess.run([sys.executable, "-I", "-S", "-"], input=code, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == profile.key("sha256:1")
