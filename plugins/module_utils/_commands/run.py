# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start programs on the host: the only place in modules and module_utils that does.

Private to this collection.
"""

# Sanity asks for AnsibleModule.run_command. That one cannot end a program that takes too long, and it returns the
# output only as a whole: a dump of a database is larger than the memory.
# pylint: disable=ansible-bad-function

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import IO


def run(
    command: Sequence[str],
    given: str = "",
    timeout: float | None = None,
    merge: bool = False,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program that reads `given`, and return its exit code and output.

    With `merge`, standard error comes among standard output. `environment` replaces the caller's. Raises
    FileNotFoundError where there is no such program, and TimeoutExpired, after the program was killed, where it takes
    more than `timeout` seconds.
    """
    return subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge else subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout,
        env=environment,
        check=False,
    )


def start(command: Sequence[str], stdin: int, stdout: int, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program that reads or writes much. Raises FileNotFoundError where there is no such program."""
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
