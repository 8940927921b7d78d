# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace a file or link atomically: a reader finds the former content or the new one, never a part.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from typing import IO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def replace(path: str | os.PathLike[str], content: bytes, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Write a file with this content, mode and owner (-1: the caller). On return it is on the disk.

    A link at `path` is replaced, not followed. Raises OSError with the former file in place.
    """
    folder, name = os.path.split(os.fspath(path))
    there = os.open(folder or ".", _FOLDER)
    try:
        replace_in(there, name, lambda stream: stream.write(content), mode, uid, gid)
        os.fsync(there)
    finally:
        os.close(there)


def replace_in(
    folder: int,
    name: str,
    fill: Callable[[IO[bytes]], object],
    mode: int,
    uid: int = -1,
    gid: int = -1,
    *,
    sync: bool = True,
) -> None:
    """Do the same for `name` in an open folder, with what `fill` writes. The caller syncs the folder."""
    # Random, so that nobody can guess it; not derived from `name`, which may have the maximum length.
    beside = _beside()
    try:
        # Readable by root only until it has its owner.
        with open(os.open(beside, _NEW, 0o600, dir_fd=folder), "wb") as stream:
            fill(stream)
            stream.flush()
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
            if sync:
                os.fsync(stream.fileno())
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _discard(folder, beside)
        raise


def link(path: str | os.PathLike[str], target: str) -> None:
    """Replace `path` by a link to `target`."""
    folder, name = os.path.split(os.fspath(path))
    there = os.open(folder or ".", _FOLDER)
    beside = _beside()
    try:
        os.symlink(target, beside, dir_fd=there)
        os.replace(beside, name, src_dir_fd=there, dst_dir_fd=there)
        os.fsync(there)
    except BaseException:
        _discard(there, beside)
        raise
    finally:
        os.close(there)


def _beside() -> str:
    return f".{secrets.token_hex(8)}.new"


def _discard(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
