# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An action that does the work of its module without AnsibleModule, which the host compiles anew in every task.

Private to this collection.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.plugin_utils import _program


class DirectAction(ActionBase):
    """Calls `result` of one of module_utils on the host, as the module does, with the options and the check mode.

    Without pipelining, a program would be on a command line, with the secrets among its options: the module runs then.
    """

    TRANSFERS_FILES = False
    _supports_async = False
    module: ClassVar[str]  # without the collection's name
    work: ClassVar[str]  # such as _files.bring
    spec: ClassVar[dict[str, dict[str, Any]]]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        return {**result, **self._answer(task_vars)}

    def _answer(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if not self._is_pipelining_enabled("new"):
            name = f"landfall.django.{self.module}"
            answer: dict[str, Any] = self._execute_module(module_name=name, task_vars=task_vars)
            return answer
        _result, given = self.validate_argument_spec(self.spec)
        arguments = {"given": given, "check_mode": bool(self._task.check_mode)}
        answer = _program.call(self, self.work, "result", arguments, task_vars)
        if not self._task.diff:
            answer.pop("diff", None)
        return answer
