# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Log in once more, as the play does, over a connection of its own.

Private to this collection.
"""

from __future__ import annotations

import copy
import time
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.connection import ssh
from ansible_collections.landfall.django.plugins.module_utils._hardening.judge import OPENSSH

# The first value of an option wins, so these come before whatever the play says of multiplexing.
_ALONE = "-o ControlMaster=no -o ControlPath=none"
_ATTEMPTS = 5


def way_in(connection: Any) -> str:
    """The plugin that a play comes in by. OPENSSH for exactly that, as others call themselves ssh too (Mitogen's)."""
    if isinstance(connection, ssh.Connection) and type(connection).__module__ == ssh.__name__:
        return OPENSSH
    return f"{connection.transport} ({type(connection).__module__})"


def failure_of_fresh_login(connection: Any, play_context: Any) -> str:
    """Log in beside `connection`, with keys only; return what ssh says where that fails, else an empty text."""
    said = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(1)
        said = _attempt(_beside(connection, play_context))
        # While sshd starts itself again on a reload, nobody listens. A refusal of the key is final, and each
        # more of them could make sshd refuse the controller's address for a while.
        if "Connection refused" not in said and "Connection reset" not in said:
            break
    return said


def _beside(connection: Any, play_context: Any) -> Any:
    """A connection with the same options, that shares no process with the play's."""
    fresh = copy.copy(connection)
    fresh._play_context = copy.copy(play_context)
    fresh._play_context.password = ""
    options = {name: connection.get_option(name) for name in ("ssh_args", "timeout")}
    fresh._options = {
        **connection._options,
        "ssh_args": f"{_ALONE} {options['ssh_args'] or ''}",
        "password": None,
        "reconnection_retries": 0,
        "timeout": min(int(options["timeout"]), 10),
    }
    fresh.become = None
    return fresh


def _attempt(connection: Any) -> str:
    try:
        code, _out, err = connection.exec_command("true", sudoable=False)
    except AnsibleError as error:
        return str(error.message).strip()
    return "" if code == 0 else err.decode(errors="replace").strip() or f"exit code {code}"
