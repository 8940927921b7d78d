# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lock for one process at a time. The kernel releases it when its process ends, however it ends.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

Holder = dict[str, Any]


class HeldError(Exception):
    """Another process holds the lock. The message says who, and since when."""


@contextlib.contextmanager
def held(path: Path, by: str, *, patience: float) -> Iterator[None]:
    """Hold the lock in the name of `by`. Raises HeldError where another process has it for `patience` seconds more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(path) as file:
        if not try_lock(file, patience):
            holder = {"by": "another run", "since": "a moment ago", "pid": "?", **read(path)}
            raise HeldError(
                f"{holder['by']} has held the lock {path} since {holder['since']} (process {holder['pid']} on the"
                f" host); gave up after {patience:g} s. Nothing was changed. Run it again when that run has ended"
            )
        write(file, {"by": by, "pid": os.getpid(), "since": now()})
        yield


def open_lock(path: Path) -> IO[str]:
    """Open a lock's file; create it where it is missing."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+")


def try_lock(file: IO[str], patience: float = 0) -> bool:
    """Take the lock within `patience` seconds. Return whether it was taken."""
    end = time.monotonic() + patience
    while not _try_flock(file):
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True


def _try_flock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read(path: Path) -> Holder:
    """Return who holds the lock, or held it last; empty where that is not known."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def write(file: IO[str], holder: Holder) -> None:
    """Write who holds the lock."""
    os.ftruncate(file.fileno(), 0)
    os.pwrite(file.fileno(), json.dumps(holder).encode(), 0)


def now() -> str:
    """Return the time in UTC, in ISO 8601 to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
