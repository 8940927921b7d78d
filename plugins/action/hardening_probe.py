# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._hardening import find_out
from ansible_collections.landfall.django.plugins.module_utils._hardening.judge import OPENSSH
from ansible_collections.landfall.django.plugins.plugin_utils._direct import DirectAction
from ansible_collections.landfall.django.plugins.plugin_utils._fresh_login import failure_of_fresh_login, way_in


class ActionModule(DirectAction):
    """Ask the host, once it is sure that the play can log in without a password."""

    module = "hardening_probe"
    work = "_hardening.find_out"
    spec = find_out.SPEC

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        failure = self._needs_password()
        if failure:
            msg = (
                "nothing has been changed yet:\n- hardening_ssh: this play logs in with a password (ansible_password "
                "or --ask-pass), and sshd is to accept keys only. Put your key on the host (`ssh-copy-id`), name it in "
                "ansible_ssh_private_key_file, and leave the password out; or set hardening_ssh: false. "
                f"A login with the key alone fails: {failure}"
            )
            return {"failed": True, "msg": msg}
        self._task.args = {**self._task.args, "connection": way_in(self._connection)}
        return super().run(tmp, task_vars)

    def _needs_password(self) -> str:
        """What ssh says of a login without the password that the play has; empty where none is needed."""
        if way_in(self._connection) != OPENSSH or not self._task.args.get("ssh", True):
            return ""
        password = self._connection.get_option("password") or self._play_context.password
        return failure_of_fresh_login(self._connection, self._play_context) if password else ""
