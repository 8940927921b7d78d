# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils._hardening.judge import OPENSSH
from ansible_collections.landfall.django.plugins.plugin_utils._fresh_login import failure_of_fresh_login, way_in


class ActionModule(ActionBase):
    """Change sshd and the firewall, prove that a fresh login works, and only then keep the change."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"sshd", "firewall"})
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        way = way_in(self._connection)
        by_ssh = way == OPENSSH
        tried = self._ask({**self._task.args, "state": "tried", "connection": "" if by_ssh else way}, task_vars)
        if tried.get("failed") or not tried.get("pending"):
            return {**result, **tried}
        # Any other connection does not depend on what was changed.
        failure = failure_of_fresh_login(self._connection, self._play_context) if by_ssh else ""
        if failure:
            put_back = self._put_back(task_vars)
            msg = f"A fresh login does not work with the change, so {put_back}: {failure}"
            return {**result, **tried, "failed": True, "changed": False, "msg": msg}
        kept = self._ask({"state": "kept"}, task_vars)
        return {**result, **tried, **kept} if kept.get("failed") else {**result, **tried}

    def _put_back(self, task_vars: dict[str, Any] | None) -> str:
        try:
            answer = self._ask({"state": "former"}, task_vars)
        except AnsibleConnectionFailure:
            return "the host restores the former state by itself within a minute, because this connection is lost too"
        if answer.get("failed"):
            return f"it was to be reverted, and it is not known whether it is: {answer.get('msg', 'no answer')}"
        return "the former state is back"

    def _ask(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name="landfall.django.access", module_args=arguments, task_vars=task_vars
        )
        return answer
