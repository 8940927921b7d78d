# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read files of a tree that somebody else has written, without being led out of it.

Private to this collection.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ansible_collections.landfall.django.plugins.module_utils._files.walk import kind, opened, pinned, reopened

_LINKS = 40  # as many as the kernel follows


@contextmanager
def open_file(root: str, name: str) -> Iterator[int | None]:
    """A descriptor of the regular file `name` below the folder `root`; None where there is none.

    A link is followed as far as it stays in the tree. Raises ValueError, which names the file, where it leads out of
    it or nowhere, and where the file is a device, a FIFO or a socket.
    """
    with ExitStack() as stack:
        pin = _followed(stack.enter_context(opened(root)), name, stack)
        if pin is None or stat.S_ISDIR(os.fstat(pin).st_mode):
            yield None
            return
        strange = kind(os.fstat(pin))
        if strange:
            raise ValueError(f"{name!r} is {strange}: put a regular file there")
        yield pin


def read(root: str, name: str, limit: int) -> bytes | None:
    """What the file holds; None where there is none. Raises ValueError as above, and where it is over `limit` bytes."""
    with open_file(root, name) as pin:
        if pin is None:
            return None
        with open(reopened(pin), "rb") as stream:
            content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name!r} is larger than {limit} bytes")
    return content


def _followed(root: int, name: str, stack: ExitStack) -> int | None:
    trail, ahead, links = [root], _parts(name, name), 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            trail.pop()
            if not trail:
                raise ValueError(_outside(name))
            continue
        try:
            pin = stack.enter_context(pinned(part, trail[-1]))
        except (FileNotFoundError, NotADirectoryError):
            if links:
                raise ValueError(f"{name!r} is a link that leads nowhere: put a regular file there") from None
            return None
        if not stat.S_ISLNK(os.fstat(pin).st_mode):
            trail.append(pin)
            continue
        links += 1
        if links > _LINKS:
            raise ValueError(f"{name!r} is a link that leads to itself: put a regular file there")
        ahead += _parts(os.readlink("", dir_fd=pin), name)
    return trail[-1]


def _parts(path: str, name: str) -> list[str]:
    """The names of a relative path, the last one first."""
    if path.startswith("/"):
        raise ValueError(_outside(name))
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]


def _outside(name: str) -> str:
    return f"{name!r} leads out of the project: put a regular file there"
