# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module and the action access: what they run, and what they say of it."""

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ssh
from ansible_collections.landfall.django.plugins.action import access as action
from ansible_collections.landfall.django.plugins.modules import access

SERVICE, FIREWALL = "landfall-undo.service", "landfall-firewall.service"


class Host:
    """What systemd is told, whether a change waits, and whether the firewall has its rules."""

    def __init__(self, monkeypatch, pending, rules, loaded):
        self.said = []
        self.pending = pending
        self.fails = ""
        monkeypatch.setattr(access.confirm, "run", self.run)
        monkeypatch.setattr(access.confirm, "is_pending", lambda: self.pending)
        monkeypatch.setattr(access.firewall, "is_loaded", lambda: loaded)
        monkeypatch.setattr(access.shutil, "which", lambda name: f"/usr/sbin/{name}")
        monkeypatch.setattr(access.os.path, "exists", lambda path: rules)

    def run(self, *words):
        self.said.append(" ".join(words))
        if self.fails and self.fails in self.said[-1]:
            raise OSError(f"{self.fails} failed")


@pytest.mark.parametrize("pending", [True, False])
@pytest.mark.parametrize(
    ("rules", "loaded", "last"),
    [
        (True, True, ["reload-or-restart"]),
        (True, False, ["reload-or-restart"]),
        (False, True, ["stop"]),
        (False, False, []),
    ],
)
def test_the_former_state_is_back_once_sshd_and_the_firewall_have_it(monkeypatch, pending, rules, loaded, last):
    """Also where the host's own clock was faster, and does not wait for them."""
    host = Host(monkeypatch, pending, rules, loaded)
    access.put_back()
    undo = [f"systemctl start {SERVICE}", "systemctl stop landfall-undo.timer"] if pending else []
    assert host.said == [*undo, "systemctl try-restart ssh.service", *(f"systemctl {verb} {FIREWALL}" for verb in last)]


@pytest.mark.parametrize("fails", [SERVICE, "ssh.service", FIREWALL])
def test_what_does_not_come_back_is_an_error(monkeypatch, fails):
    host = Host(monkeypatch, pending=True, rules=True, loaded=True)
    host.fails = fails
    with pytest.raises(OSError, match=fails):
        access.put_back()


class Play:
    """An action whose host answers as it is told, and whose fresh login fails."""

    def __init__(self, monkeypatch, connection, **answers):
        self.asked = []
        self.answers = answers
        self.action = object.__new__(action.ActionModule)
        self.action._task = types.SimpleNamespace(args={"sshd": "MaxAuthTries 2"})
        self.action._connection, self.action._play_context = connection, None
        self.action._ask = self.ask
        monkeypatch.setattr(action.ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(action, "failure_of_fresh_login", lambda *_arguments: "Permission denied")

    def ask(self, arguments, _task_vars):
        self.asked.append(arguments)
        answer = self.answers[arguments["state"]]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("former", "words", "others"),
    [
        ({}, "the former state is back", "not known"),
        ({"failed": True, "msg": "ssh.service failed"}, "not known whether it is: ssh.service failed", "is back"),
        (AnsibleConnectionFailure("gone"), "by itself within a minute", "is back"),
    ],
)
def test_a_failed_login_says_what_is_known_of_the_former_state(monkeypatch, former, words, others):
    play = Play(monkeypatch, ssh.Connection.__new__(ssh.Connection), tried={"pending": True}, former=former)
    result = play.action.run()
    assert result["failed"]
    assert words in result["msg"]
    assert others not in result["msg"]
    assert "Permission denied" in result["msg"]


def test_another_way_in_is_told_to_the_host_which_knows_whether_it_is_sshd(monkeypatch):
    libssh = types.SimpleNamespace(transport="libssh")
    play = Play(monkeypatch, libssh, tried={"failed": True, "msg": "ansible_connection"})
    assert play.action.run()["failed"]
    assert play.asked[0]["connection"].startswith("libssh")
    play = Play(monkeypatch, libssh, tried={"pending": True}, kept={})
    assert not play.action.run().get("failed")
    assert [asked["state"] for asked in play.asked] == ["tried", "kept"]
