# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action hardening_probe: it asks the host only when a login with the key alone works."""

from __future__ import annotations

import types
from typing import Any

import pytest
from ansible.plugins.connection import ssh
from ansible_collections.landfall.django.plugins.action import hardening_probe as action
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction


def probe(monkeypatch: pytest.MonkeyPatch, password: str, said: str, **arguments: Any) -> dict[str, Any]:
    asked = object.__new__(action.ActionModule)
    connection = ssh.Connection.__new__(ssh.Connection)
    monkeypatch.setattr(ssh.Connection, "get_option", lambda _self, _name: password)
    asked._connection, asked._play_context = connection, types.SimpleNamespace(password="")
    asked._task = types.SimpleNamespace(args=arguments)
    monkeypatch.setattr(DirectAction, "run", lambda self, _tmp, _task_vars: dict(self._task.args))
    monkeypatch.setattr(action, "failure_of_fresh_login", lambda *_arguments: said)
    return dict(asked.run())


def test_a_play_that_has_only_its_password_is_not_locked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    result = probe(monkeypatch, "secret", "Permission denied")
    assert result["failed"]
    assert "hardening_ssh" in result["msg"]
    assert "Permission denied" in result["msg"]


@pytest.mark.parametrize(
    ("password", "said", "ssh_too"), [("", "x", True), ("secret", "", True), ("secret", "x", False)]
)
def test_the_host_is_told_how_the_play_comes_in(
    monkeypatch: pytest.MonkeyPatch, password: str, said: str, ssh_too: bool
) -> None:
    result = probe(monkeypatch, password, said, ssh=ssh_too)
    assert result == {"ssh": ssh_too, "connection": "ansible.builtin.ssh"}
