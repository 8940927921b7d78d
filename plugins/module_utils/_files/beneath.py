# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read files of an untrusted folder without following a link out of it.

Private to this collection.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ansible_collections.landfall.django.plugins.module_utils._files.walk import kind, opened, pinned, reopened

_LINKS = 40  # the kernel's limit too


@contextmanager
def open_file(root: str, name: str) -> Iterator[int | None]:
    """Open the regular file `name` below the folder `root`, as a descriptor; None where it does not exist.

    Links are followed inside the folder. Raises ValueError, which names the file, for a link that leads out of the
    folder or nowhere, and for a device, a FIFO or a socket.
    """
    with ExitStack() as stack:
        pin = _followed(stack.enter_context(opened(root)), name, stack)
        if pin is None or stat.S_ISDIR(os.fstat(pin).st_mode):
            yield None
            return
        strange = kind(os.fstat(pin))
        if strange:
            raise ValueError(f"{name!r} is {strange}: replace it by a regular file")
        yield pin


def read(root: str, name: str, limit: int) -> bytes | None:
    """Return the content of a file; None where it does not exist.

    Raises ValueError as `open_file` does, and where the file is larger than `limit` bytes.
    """
    with open_file(root, name) as pin:
        if pin is None:
            return None
        with open(reopened(pin), "rb") as stream:
            content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name!r} is larger than {limit} bytes: make it smaller")
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
                raise ValueError(f"{name!r} is a link to a missing file: replace it by a regular file") from None
            return None
        if not stat.S_ISLNK(os.fstat(pin).st_mode):
            trail.append(pin)
            continue
        links += 1
        if links > _LINKS:
            raise ValueError(f"{name!r} is a link that leads to itself: replace it by a regular file")
        ahead += _parts(os.readlink("", dir_fd=pin), name)
    return trail[-1]


def _parts(path: str, name: str) -> list[str]:
    """Return the parts of a relative path, the last one first."""
    if path.startswith("/"):
        raise ValueError(_outside(name))
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]


def _outside(name: str) -> str:
    return f"{name!r} leads out of the project: use a regular file inside it"
