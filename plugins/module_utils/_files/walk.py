# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walk through a folder that a container may be changing meanwhile, without leaving it.

Each item is inspected by its own descriptor, so that nothing that takes its name afterwards is used instead. Links are
not followed, and only regular files and folders are opened for reading.

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
# Each level needs a descriptor; a process may have 1024.
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
    """A file, folder, link or other item. Its descriptors are open until the walk continues."""

    path: str  # relative to the walked folder
    name: str
    folder: int  # descriptor of its folder
    pin: int  # descriptor of itself (O_PATH)
    state: os.stat_result
    too_deep: bool = False

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.state.st_mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.state.st_mode)

    def refusal(self, owner: int) -> str:
        """Return why root must not read it or change its owner in a folder of `owner`; empty where root may.

        A file with hard links may be another user's file: it must belong to `owner`, who must not be root.
        """
        if self.too_deep:
            return f"below {DEPTH} folders"
        if self.is_file and self.state.st_nlink > 1 and not self.state.st_uid == owner != 0:
            return "a hard link to another user's file"
        return kind(self.state)

    def opened(self) -> IO[bytes]:
        """Open the regular file for reading."""
        return open(reopened(self.pin), "rb")


def kind(state: os.stat_result) -> str:
    """Return what it is, in words; empty for a regular file or folder."""
    return next((words for test, words in _KINDS if test(state.st_mode)), "")


def reopened(pin: int) -> str:
    """Return a path to the item of a descriptor, whatever has its name now."""
    return f"/proc/self/fd/{pin}"


@contextmanager
def pinned(name: str, folder: int) -> Iterator[int]:
    """Open an item of an open folder with O_PATH, which neither reads it nor follows a link."""
    pin = os.open(name, _PIN, dir_fd=folder)
    try:
        yield pin
    finally:
        os.close(pin)


@contextmanager
def opened(path: str | os.PathLike[str], within: int | None = None) -> Iterator[int]:
    """Open a folder as a descriptor. Raises NotADirectoryError where it is a link; its parent folders may be links."""
    folder = os.open(os.fspath(path).rstrip("/") or "/", _FOLDER, dir_fd=within)
    try:
        yield folder
    finally:
        os.close(folder)


def walk(top: int, skip: frozenset[str] = frozenset()) -> Iterator[Item]:
    """Yield everything below the open folder `top`, each folder before its content, without the names in `skip`."""
    return _below(top, "", skip, 1)


def _below(folder: int, path: str, skip: frozenset[str], depth: int) -> Iterator[Item]:
    for name in sorted(os.listdir(folder)):
        if name in skip:
            continue
        try:
            pin = os.open(name, _PIN, dir_fd=folder)
        except FileNotFoundError:  # removed meanwhile
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
