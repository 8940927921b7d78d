# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One release of a stack at a time. The kernel lets go of the lock of a process that died, however it died.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path


class HeldError(Exception):
    """Somebody else has the lock; the message says who, since when, and what to do."""


@contextlib.contextmanager
def held(path: Path, by: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock in the name of `by`. Where another process has it, raises HeldError at once, or waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HeldError(_refusal(file.read())) from error
        file.seek(0)
        file.truncate()
        json.dump({"by": by, "pid": os.getpid(), "since": now()}, file)
        file.flush()
        yield


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _refusal(text: str) -> str:
    try:
        holder = json.loads(text)
    except ValueError:
        holder = {"by": "somebody", "since": "a moment ago", "pid": "?"}
    return (
        f"a release by {holder['by']} is under way since {holder['since']} (process {holder['pid']} on the host): "
        "nothing was changed; run this again when it is over"
    )
