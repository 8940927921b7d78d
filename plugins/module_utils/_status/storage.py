# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the free disk space for a stack's database and media.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

_MIB = 2**20
# Minimum share of free inodes: many small files use them up before the space.
_FILES = 0.05


@dataclass(frozen=True)
class Room:
    """The free space of one file system in MiB, its shares of free inodes and of used space, and the folders on it."""

    folders: tuple[str, ...]
    free_mib: int
    files: float = 1.0
    used: float = 0.0


def problems(rooms: Iterable[Room], minimum_mib: int, media: tuple[str, int], maximum_mib: int) -> list[str]:
    """Return one sentence for each file system that is nearly full, and for media (folder, MiB) over their maximum."""
    sentences = []
    for room in rooms:
        about = f"disk: the file system of {', '.join(room.folders)}"
        if room.free_mib < minimum_mib:
            sentences.append(
                f"{about} has {room.free_mib} MiB free, but the next release needs {minimum_mib}: free some space, or"
                " lower stack_disk_free_minimum_mib."
            )
        if room.files < _FILES:
            sentences.append(f"{about} has almost no free inodes for more files: delete files, or make it larger.")
    folder, size = media
    if 0 < maximum_mib < size:
        sentences.append(
            f"media: {folder} has {size} MiB: delete files, or set stack_media_maximum_mib, which is {maximum_mib}, to"
            " more."
        )
    return sentences


def rooms(folders: Iterable[str]) -> list[Room]:
    """Return the free space of each file system of these folders. Missing folders are left out."""
    by_device: dict[int, list[str]] = {}
    for folder in folders:
        if os.path.isdir(folder):
            by_device.setdefault(os.stat(folder).st_dev, []).append(folder)
    return [_room(tuple(found)) for found in by_device.values()]


def _room(folders: tuple[str, ...]) -> Room:
    now = os.statvfs(folders[0])
    # Some file systems do not count inodes.
    files = now.f_favail / now.f_files if now.f_files else 1.0
    # As df has it: what is reserved for root is neither free nor used.
    used = now.f_blocks - now.f_bfree
    return Room(folders, now.f_bavail * now.f_frsize // _MIB, files, used / ((used + now.f_bavail) or 1))


def size(folder: Path) -> int:
    """Return the disk usage of a folder in MiB, without following links; 0 where it does not exist."""
    if not folder.is_dir():
        return 0
    # du fails where a file is removed meanwhile, but its sum is right.
    words = ["du", "--summarize", "--block-size=1M", "--one-file-system", "--", str(folder)]
    return int(run(words).stdout.split()[0])
