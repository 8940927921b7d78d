# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose ssh session a module runs in.

Private to this collection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    """A login over sshd: the user, the address it came from, and the address and port of this host."""

    user: str
    source: str
    address: str
    port: int


def current(pid: int | None = None, proc: str = "/proc") -> Session | None:
    """The session of a process (this one by default); None if it was not started over sshd.

    sudo clears the environment, so the ancestors are asked, up to the first that still has it.
    """
    process = os.getpid() if pid is None else pid
    while process > 1:
        found = from_environment(_environment(process, proc))
        if found:
            return found
        process = _parent(process, proc)
    return None


def from_environment(environment: dict[str, str]) -> Session | None:
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4 or not words[3].isdigit():
        return None
    # sshd prints the zone of a link-local address, and does not take it in a question about its configuration.
    source, address = (word.partition("%")[0] for word in (words[0], words[2]))
    return Session(user=environment.get("LOGNAME", ""), source=source, address=address, port=int(words[3]))


def _environment(pid: int, proc: str) -> dict[str, str]:
    try:
        with open(f"{proc}/{pid}/environ", "rb") as stream:
            pairs = stream.read().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _parent(pid: int, proc: str) -> int:
    try:
        with open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            # The name of the program comes second, in parentheses, and may hold anything.
            return int(stream.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
