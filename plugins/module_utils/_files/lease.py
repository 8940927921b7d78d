# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold a lock on a host across the tasks of a play, for as long as the play's connection lives.

Each task is a process of its own, so a small process stays behind. It holds the lock, and ends with the connection.
Private to this collection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible_collections.landfall.django.plugins.module_utils._files.lock import (
    Holder,
    now,
    open_lock,
    read,
    try_lock,
    write,
)

_POLL = 0.5  # seconds between two checks of the process that the lock depends on
_END_TIMEOUT = 5  # seconds for a holder to end after SIGTERM


@dataclass(frozen=True)
class Taken:
    """The result of `take`. `holder` is the other holder, where the lock was not taken.

    A play may reach one host by several names. They share the lock, and `turn` is the index of each.
    """

    holder: Holder | None = None
    turn: int = 0


def take(path: Path, by: str, token: str, *, watched: int, name: str = "", instead_of: str = "") -> Taken:
    """Take the lock for the play `token` and the host `name`. It is released when the process `watched` ends.

    A holder with the token `instead_of` is ended first.
    """
    with open_lock(path) as file:
        names: list[str] = []
        end = time.monotonic() + _END_TIMEOUT
        while not try_lock(file):
            # A holder that has just taken it may not have written the file yet: this may be the former one, or nothing.
            holder = read(path)
            is_another = bool(holder) and holder.get("token") not in (instead_of, token)
            if is_another or time.monotonic() > end:
                return Taken(holder)
            names = holder.get("names", []) if holder.get("token") == token else []
            _terminate(holder)
            time.sleep(0.05)
        names = [*names, *({name} - set(names))]
        _start_holder(file, {"by": by, "token": token, "names": names, "since": now()}, watched)
        return Taken(turn=names.index(name))


def release(path: Path, token: str) -> None:
    """Release the lock if it was taken with this token."""
    holder = read(path)
    if holder.get("token") == token:
        _terminate(holder)


def result(state: str, path: str, what: str, **taker: str) -> dict[str, Any]:
    """Take or release the lock `path` as the action `lock` asks for, and return the result of its task."""
    if state == "absent":
        release(Path(path), taker["token"])
        return {"changed": False}
    taken = take(Path(path), watched=connection(os.getpid()), **taker)
    if taken.holder is None:
        return {"changed": False, "turn": taken.turn}
    who, since = taken.holder.get("by", "somebody"), taken.holder.get("since", "a moment ago")
    msg = f"{what} by {who} has been running since {since}: run this again when it has ended."
    return {"failed": True, "msg": msg, "holder": taken.holder}


def start_time(pid: int) -> str:
    """Return the start time of a process in clock ticks; empty where it does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def connection(pid: int) -> int:
    """Return the sshd process of the connection that started `pid`, or else its oldest known ancestor."""
    oldest = pid
    while pid > 1:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        if stat.partition("(")[2].startswith("sshd"):
            return pid
        oldest, pid = pid, int(stat.rpartition(")")[2].split()[1])
    return oldest


def _terminate(holder: Holder) -> None:
    # The pid may belong to another process by now.
    if start_time(holder.get("pid", 0)) == holder.get("started", "-"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder["pid"], signal.SIGTERM)


def _start_holder(file: IO[str], holder: Holder, watched: int) -> None:
    """Start a process that holds the lock. Return when it has written the lock's file."""
    sys.stdout.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        try:
            _run_holder(file, writer, holder, watched)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)


def _run_holder(file: IO[str], writer: int, holder: Holder, watched: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir("/")
    # Ansible waits until every process has closed the task's output.
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in (file.fileno(), writer):
            with contextlib.suppress(OSError):
                os.close(int(name))
    own = os.getpid()
    write(file, {**holder, "pid": own, "started": start_time(own)})
    os.write(writer, b".")
    os.close(writer)
    began = start_time(watched)
    while began and start_time(watched) == began:
        time.sleep(_POLL)
