# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings below /proc/sys differ from the ones wanted. systemd-sysctl sets them (decision 18 says why).

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

PROC = "/proc/sys"


def drifted(settings: Mapping[str, object], container: bool, proc: str = PROC) -> list[str]:
    """The settings that have another value. Those that this kernel lacks, or that nobody may set here, have none.

    A container shares its kernel with its host: only the settings of its network are its own.
    """
    return [
        name
        for name, wanted in settings.items()
        if (not container or name.startswith("net.")) and _value(name, proc) not in (None, str(wanted))
    ]


def _value(name: str, proc: str) -> str | None:
    path = os.path.join(proc, *name.split("."))
    if not os.access(path, os.W_OK):
        return None
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return " ".join(stream.read().split())
    except OSError:
        return None
