# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action lock: how long it waits, and in whose name it asks."""

from __future__ import annotations

import itertools
import subprocess
import types

import pytest
from ansible_collections.landfall.django.plugins.action import lock

HELD = {"failed": True, "msg": "under way", "holder": {"by": "ben@ci", "token": "elsewhere/1/then"}}


@pytest.fixture
def ask(monkeypatch):
    """Take a lock that is free again after `tries` tries, on a clock that moves with each pause."""
    clock = itertools.count()
    monkeypatch.setattr(lock.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(lock.ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(lock, "operator", lambda: "ann@laptop")

    def run(tries, strategy="linear", **options):
        action = object.__new__(lock.ActionModule)
        play = types.SimpleNamespace(_play=types.SimpleNamespace(strategy=strategy))
        action._task = types.SimpleNamespace(check_mode=False, args={"path": "/run/lock", **options}, _parent=play)
        asked = []

        def answer(given, _task_vars):
            asked.append(given)
            return {"turn": 0} if len(asked) > tries else HELD

        action._ask = answer
        return action.run(task_vars={"inventory_hostname": "shop"}), asked

    return run


def test_a_lock_is_waited_for_as_long_as_the_task_says(ask):
    result, asked = ask(2, wait=5)
    assert (result, len(asked)) == ({"turn": 0}, 3)


@pytest.mark.parametrize("wait", [0, 5])
def test_who_has_the_lock_is_said_after_that(ask, wait):
    result, asked = ask(99, wait=wait)
    assert result["failed"]
    assert result["holder"]["by"] == "ben@ci"
    assert len(asked) == (wait or 1)


def test_the_names_of_a_host_ask_as_one_where_all_hosts_go_together(ask):
    (_taken, together), (_taken, free) = ask(0), ask(0, strategy="free")
    assert together[0]["name"] == free[0]["name"] == "shop"
    assert free[0]["token"] == f"{together[0]['token']}/shop"


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Ask this machine, as the host, for a lock: through a shell, with or without pipelining."""
    monkeypatch.setattr(lock.ActionBase, "run", lambda *_arguments: {})

    def execute(command, in_data=None):
        ran = subprocess.run(["sh", "-c", command], input=in_data or b"", capture_output=True, check=False)
        return {"rc": ran.returncode, "stdout": ran.stdout.decode(), "stderr": ran.stderr.decode()}

    def ask(play, pipelining=True, **options):
        action = object.__new__(lock.ActionModule)
        action._task = types.SimpleNamespace(check_mode=False, args={"path": str(tmp_path / "lock"), **options})
        action._task._play = types.SimpleNamespace(strategy="linear")
        action._is_pipelining_enabled = lambda _style: pipelining
        action._templar = types.SimpleNamespace(template=lambda value: value)
        action._low_level_execute_command = execute
        monkeypatch.setattr(lock, "token", lambda _pid: play)
        return action.run(task_vars={"inventory_hostname": "shop"})

    return ask


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_host_is_asked_without_a_module(host, pipelining):
    assert host("ann", pipelining) == {"changed": False, "turn": 0}
    refused = host("ben", pipelining, what="A deployment")
    assert refused["failed"]
    assert refused["holder"]["token"] == "ann"
    assert host("ben", pipelining, state="absent") == {"changed": False}
    assert host("ben", pipelining)["failed"], "who has not taken it does not release it"
    host("ann", pipelining, state="absent")
    assert host("ben", pipelining, wait=5) == {"changed": False, "turn": 0}
    host("ben", pipelining, state="absent")


def test_a_host_that_cannot_lock_says_why(host):
    failed = host("ann", path="/proc/none/lock")
    assert failed["failed"]
    assert "/proc/none/lock" in failed["msg"]
    assert "No such file" in failed["exception"]
