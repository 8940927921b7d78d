# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action tree, and with it all that do the work of a module: nothing of it gets on a command line."""

from __future__ import annotations

import os
import subprocess
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.action import tree

PLANTED = "planted'\"\\\n{{ x }} ä"


class Tree(tree.ActionModule):
    """The action on this machine, by a shell."""

    def __init__(self, arguments: dict[str, Any], *, pipelining: bool, check: bool, diff: bool) -> None:
        self._task = types.SimpleNamespace(args=arguments, check_mode=check, diff=diff)
        self._load_name = "landfall.django.tree"
        self._templar = types.SimpleNamespace(template=lambda value: value)
        self.pipelining = pipelining
        self.commands: list[str] = []
        self.modules: list[str] = []

    def _is_pipelining_enabled(self, module_style: str) -> bool:
        return self.pipelining and module_style == "new"

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, Any]:
        self.commands.append(command)
        ran = subprocess.run(["sh", "-c", command], input=in_data, capture_output=True, check=False, cwd="/")
        return {"rc": ran.returncode, "stdout": ran.stdout.decode(), "stderr": ran.stderr.decode()}

    def _execute_module(self, module_name: str, task_vars: object) -> dict[str, Any]:
        self.modules.append(module_name)
        return {"changed": False}


Act = Callable[..., tuple[dict[str, Any], Tree]]


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Act:
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    owner = {"owner": str(os.getuid()), "group": str(os.getgid())}

    def run(
        *entries: dict[str, Any], pipelining: bool = True, check: bool = False, diff: bool = True, **options: Any
    ) -> tuple[dict[str, Any], Tree]:
        given = {"root": str(tmp_path), "entries": [{**owner, **one} for one in entries], **options}
        action = Tree(given, pipelining=pipelining, check=check, diff=diff)
        return action.run(task_vars={}), action

    return run


def test_files_are_written_once_and_shown(act: Act, tmp_path: Path) -> None:
    entries = ({"path": "a/b", "content": PLANTED, "mode": "0600"}, {"path": "c.json", "content": {"d": [1]}})
    written, action = act(*entries)
    assert (written["changed"], action.modules) == (True, [])
    assert written["diff"][0]["after"] == (tmp_path / "a/b").read_text() == PLANTED
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o600
    assert act(*entries)[0]["changed"] is False


def test_a_secret_is_in_no_command_and_no_result(act: Act, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("planted before")
    written, action = act({"path": ".env", "content": PLANTED, "secret": True})
    assert written["paths"] == [str(tmp_path / ".env")]
    assert "planted" not in str(written) + str(action.commands)


def test_without_pipelining_the_module_does_it(act: Act, tmp_path: Path) -> None:
    _, action = act({"path": ".env", "content": PLANTED, "secret": True}, pipelining=False)
    assert (action.commands, action.modules) == ([], ["landfall.django.tree"])
    assert not (tmp_path / ".env").exists()


def test_a_check_writes_nothing_and_without_diff_nothing_is_shown(act: Act, tmp_path: Path) -> None:
    found, _ = act({"path": "a", "content": "a"}, check=True, diff=False, validate=["false"])
    assert found["changed"]
    assert "diff" not in found
    assert not (tmp_path / "a").exists()


def test_refused_files_change_nothing(act: Act, tmp_path: Path) -> None:
    refused, _ = act({"path": "a", "content": "a"}, validate=["sh", "-c", "echo no good; exit 1"])
    assert refused["failed"]
    assert "no good" in refused["msg"]
    assert not (tmp_path / "a").exists()


def test_options_are_checked_as_the_module_checks_them(act: Act) -> None:
    with pytest.raises(AnsibleActionFail, match="contents"):
        act({"path": "a", "contents": "a"})
    with pytest.raises(AnsibleActionFail, match="state"):
        act({"path": "a", "state": "gone"})
