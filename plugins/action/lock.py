# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.lookup.operator import operator
from ansible_collections.landfall.django.plugins.plugin_utils import _program

_EVERY = 3  # seconds between two tries


class ActionModule(ActionBase):
    """Take a lock for this run of Ansible; take it over from a run on this machine that is dead."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"path", "what", "state", "wait"})
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.check_mode:
            return {**result, "skipped": True, "msg": "a check needs no lock"}
        name = str((task_vars or {}).get("inventory_hostname", ""))
        owner = token(os.getppid())
        if not is_lockstep(strategy(self._task)):
            owner += f"/{name}"
        given = {"state": "present", "what": "another run", **self._task.args, "by": operator(), "token": owner}
        given["name"] = name
        end = time.monotonic() + int(given.pop("wait", 0))
        answer = self._try(given, task_vars)
        while "holder" in answer and time.monotonic() < end:
            time.sleep(_EVERY)
            answer = self._try(given, task_vars)
        return {**result, **answer}

    def _try(self, given: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer = self._ask(given, task_vars)
        holder = answer.get("holder") or {}
        if is_dead(holder.get("token", "")):
            answer = self._ask({**given, "instead_of": holder["token"]}, task_vars)
        return answer

    def _ask(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return _program.call(self, "_files.lease", "result", arguments, task_vars)


def token(pid: int) -> str:
    """Identifies a run of Ansible: its machine, its process, and when that began."""
    return f"{socket.gethostname()}/{pid}/{_began(pid)}"


def is_dead(holder: str) -> bool:
    """Whether a token is from this machine and its process is gone."""
    machine, pid, began = [*holder.split("/"), "", ""][:3]
    return machine == socket.gethostname() and pid.isdigit() and _began(int(pid)) != began


def strategy(task: Any) -> str:
    """The strategy of a task's play."""
    while task is not None and getattr(task, "_play", None) is None:
        task = getattr(task, "_parent", None)
    return str(getattr(getattr(task, "_play", None), "strategy", "linear"))


def is_lockstep(name: str) -> bool:
    """Whether a strategy starts a task only after all hosts have finished the previous one."""
    return "linear" in name or name.rpartition(".")[2] == "debug"


def _began(pid: int) -> str:
    # Unlike /proc, `ps` is there on every kind of controller.
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "-".join(listed.stdout.split())
