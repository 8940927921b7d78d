# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the kernel, below /proc/sys.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

PROC = "/proc/sys"


def own(settings: Mapping[str, object], container: bool) -> dict[str, str]:
    """The settings that are the host's to make: in a container, those of its network only."""
    return {name: str(value) for name, value in settings.items() if not container or name.startswith("net.")}


def content(settings: Mapping[str, str], head: str) -> str:
    """A file for sysctl.d. Of a setting that this kernel does not have, nothing is said at boot."""
    return f"{head.rstrip()}\n" + "".join(f"-{name} = {value}\n" for name, value in settings.items())


def different(settings: Mapping[str, str], proc: str = PROC) -> dict[str, str]:
    """The settings that this kernel has, and that are otherwise."""
    return {name: value for name, value in settings.items() if _value(name, proc) not in (None, value)}


def missing(settings: Mapping[str, str], proc: str = PROC) -> list[str]:
    return [name for name in settings if _value(name, proc) is None]


def make(settings: Mapping[str, str], proc: str = PROC) -> dict[str, str]:
    """Make the settings; return the reasons, by name, for those that the kernel refused."""
    answers = {name: _refusal(_path(name, proc), value) for name, value in settings.items()}
    return {name: reason for name, reason in answers.items() if reason}


def _refusal(path: str, value: str) -> str:
    try:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(f"{value}\n")
    except OSError as error:
        return str(error.strerror)
    return ""


def _path(name: str, proc: str) -> str:
    return os.path.join(proc, *name.split("."))


def _value(name: str, proc: str) -> str | None:
    try:
        with open(_path(name, proc), encoding="ascii", errors="replace") as stream:
            return " ".join(stream.read().split())
    except OSError:
        return None
