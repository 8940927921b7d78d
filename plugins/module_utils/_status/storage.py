# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell whether there is room for what a stack's users and its database write.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

_MIB = 2**20
# Many small files fill a file system before its bytes are used.
_FILES = 0.05


@dataclass(frozen=True)
class Room:
    """What is left on the file system of some folders: MiB, and the share of files that can still be made."""

    folders: tuple[str, ...]
    free_mib: int
    files: float = 1.0


def problems(rooms: Iterable[Room], minimum_mib: int, media: tuple[str, int], maximum_mib: int) -> list[str]:
    """One sentence for each file system that is nearly full, and for media (folder, MiB) over their bound, if any."""
    said = []
    for room in rooms:
        about = f"disk: the file system of {', '.join(room.folders)}"
        if room.free_mib < minimum_mib:
            said.append(
                f"{about} has {room.free_mib} MiB left, and the next release needs {minimum_mib}: make room, or set"
                " stack_disk_free_minimum_mib to less."
            )
        if room.files < _FILES:
            said.append(f"{about} can take few more files, however small: delete some, or make it larger.")
    folder, size = media
    if 0 < maximum_mib < size:
        said.append(
            f"media: {folder} holds {size} MiB: delete what nobody needs, or set stack_media_maximum_mib, which is"
            f" {maximum_mib}, to more."
        )
    return said


def rooms(folders: Iterable[str]) -> list[Room]:
    """What is left for each of the folders, those of one file system together. What does not exist is left out."""
    by_device: dict[int, list[str]] = {}
    for folder in folders:
        if os.path.isdir(folder):
            by_device.setdefault(os.stat(folder).st_dev, []).append(folder)
    return [_room(tuple(found)) for found in by_device.values()]


def _room(folders: tuple[str, ...]) -> Room:
    now = os.statvfs(folders[0])
    # Some file systems have no count of files.
    return Room(folders, now.f_bavail * now.f_frsize // _MIB, now.f_favail / now.f_files if now.f_files else 1.0)


def size(folder: Path) -> int:
    """MiB on the disk below a folder, links not followed. 0 where there is none."""
    if not folder.is_dir():
        return 0
    # A file that goes while it is counted makes du fail, and its sum is right.
    words = ["du", "--summarize", "--block-size=1M", "--one-file-system", "--", str(folder)]
    return int(run(words).stdout.split()[0])
