# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host with little memory needs a swap file, and can have one.

Private to this collection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._sizes.host import memory_mib

# A machine sold with 2 GiB shows less, since the kernel keeps some for itself.
_ENOUGH_MIB = 1800
# As much as a deployment needs on the disk.
_DISK_KEPT_MIB = 3072
# Where the kernel swaps to a file without further ado. Others copy on write, or lie in another file system.
_FILE_SYSTEMS = ("ext4", "xfs")


@dataclass(frozen=True)
class Host:
    """What decides about swap: sizes in MiB, and the file system of the root folder."""

    memory_mib: int = _ENOUGH_MIB
    free_mib: int = 0
    file_system: str = ""
    has_swap: bool = False


def is_missing(wanted_mib: int, host: Host) -> bool:
    """Return whether the host is to get a swap file."""
    return _is_wanted(wanted_mib, host) and not obstacle(wanted_mib, host)


def obstacle(wanted_mib: int, host: Host) -> str:
    """Return why a host gets no swap file that needs one; empty where nothing is in the way."""
    if not _is_wanted(wanted_mib, host):
        return ""
    if host.file_system not in _FILE_SYSTEMS:
        return f"its root file system is {host.file_system or 'unknown'}, not {' or '.join(_FILE_SYSTEMS)}"
    if host.free_mib < wanted_mib + _DISK_KEPT_MIB:
        return f"it has {host.free_mib} MiB of disk free, and {wanted_mib + _DISK_KEPT_MIB} are needed"
    return ""


def _is_wanted(wanted_mib: int, host: Host) -> bool:
    return wanted_mib > 0 and host.memory_mib < _ENOUGH_MIB and not host.has_swap


def look(proc: str = "/proc") -> Host:
    """Look at this host."""
    disk = os.statvfs("/")
    return Host(
        memory_mib=memory_mib(),
        free_mib=disk.f_bavail * disk.f_frsize // 2**20,
        file_system=root_file_system(Path(proc, "mounts").read_text(encoding="utf-8", errors="replace")),
        # The first line is a heading.
        has_swap=len(_lines(Path(proc, "swaps"))) > 1,
    )


def root_file_system(mounts: str) -> str:
    """Return the type of the root file system, from /proc/mounts. The last one mounted counts."""
    found = [fields[2] for fields in map(str.split, mounts.splitlines()) if len(fields) > 2 and fields[1] == "/"]
    return found[-1] if found else ""


def _lines(file: Path) -> list[str]:
    # A kernel without swap has no such file.
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
