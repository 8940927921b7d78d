# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Go through a folder that a container may be changing at the same moment, and never get out of it.

Each thing is looked at through a descriptor of itself, so that whatever takes its name afterwards is not mistaken for
it. No link is followed, and nothing is opened for reading but regular files and folders.

Private to this collection.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

_PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Each level costs a descriptor, of which a process may have 1024.
DEPTH = 100
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True)
class Item:
    """One thing in a folder. Its descriptors are open until the next one is asked for."""

    path: str  # from the folder where the walk began
    name: str
    folder: int  # the folder that it is in
    pin: int  # itself, not opened for reading
    state: os.stat_result
    too_deep: bool = False

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.state.st_mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.state.st_mode)

    def refusal(self, owner: int) -> str:
        """Why root leaves it alone in a folder of `owner`; empty for what root may read and give away.

        A file with a second name may be anybody's: it has to be the owner's own, and root's it never may be.
        """
        if self.too_deep:
            return f"below {DEPTH} folders"
        if self.is_file and self.state.st_nlink > 1 and not self.state.st_uid == owner != 0:
            return "a hard link to a file of somebody else"
        return kind(self.state)

    def opened(self) -> IO[bytes]:
        """The regular file, opened for reading."""
        return open(reopened(self.pin), "rb")


def kind(state: os.stat_result) -> str:
    """What it is, in words, where it is neither a regular file nor a folder."""
    return next((words for test, words in _KINDS if test(state.st_mode)), "")


def reopened(pin: int) -> str:
    """A path that leads to exactly what `pin` is, whatever has its name now."""
    return f"/proc/self/fd/{pin}"


@contextmanager
def pinned(name: str, folder: int) -> Iterator[int]:
    """A descriptor of what is called so in an open folder, which nothing is done to by opening it."""
    pin = os.open(name, _PIN, dir_fd=folder)
    try:
        yield pin
    finally:
        os.close(pin)


@contextmanager
def opened(path: str | os.PathLike[str], within: int | None = None) -> Iterator[int]:
    """A folder as a descriptor. Raises NotADirectoryError where it is a link: what leads to it may be one."""
    folder = os.open(os.fspath(path).rstrip("/") or "/", _FOLDER, dir_fd=within)
    try:
        yield folder
    finally:
        os.close(folder)


def walk(top: int, skip: frozenset[str] = frozenset()) -> Iterator[Item]:
    """Everything below the open folder `top` but what has a name in `skip`, each folder before what is in it."""
    return _below(top, "", skip, 1)


def _below(folder: int, path: str, skip: frozenset[str], depth: int) -> Iterator[Item]:
    for name in sorted(os.listdir(folder)):
        if name in skip:
            continue
        try:
            pin = os.open(name, _PIN, dir_fd=folder)
        except FileNotFoundError:  # gone since
            continue
        try:
            state = os.fstat(pin)
            is_folder = stat.S_ISDIR(state.st_mode)
            item = Item(os.path.join(path, name), name, folder, pin, state, is_folder and depth > DEPTH)
            yield item
            inner = os.open(".", _FOLDER, dir_fd=pin) if is_folder and not item.too_deep else None
        finally:
            os.close(pin)
        if inner is not None:
            try:
                yield from _below(inner, item.path, skip, depth + 1)
            finally:
                os.close(inner)
