# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils._files import bring
from ansible_collections.landfall.django.plugins.plugin_utils import _program

PROGRAM = (
    "_text",
    "_commands.run",
    "_files.walk",
    "_files.owner",
    "_files.replace",
    "_files.tree",
    "_files.bring",
)


class ActionModule(ActionBase):
    """Write the files without a module, whose start takes longer than all of its work."""

    TRANSFERS_FILES = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        return {**result, **self._answer(task_vars)}

    def _answer(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if not self._is_pipelining_enabled("new"):
            # Without it, a program is on a command line, with the secrets of the files.
            answer: dict[str, Any] = self._execute_module(module_name="landfall.django.tree", task_vars=task_vars)
            return answer
        _, given = self.validate_argument_spec(bring.SPEC)
        arguments = {"given": given, "check_mode": bool(self._task.check_mode)}
        answer = _program.call(self, PROGRAM, "result", arguments, task_vars)
        if not self._task.diff:
            answer.pop("diff", None)
        return answer
