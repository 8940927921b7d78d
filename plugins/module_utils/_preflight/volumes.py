# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the folders that a project keeps. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

NAME = "stack_volumes"
_FOLDER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+/?|/")
# What the system in the image needs, and what the stack mounts itself.
_TAKEN = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/tmp", "/var/tmp", "/var/lib/celery"),  # noqa: S108 - of the container
)


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    volumes = values.get(NAME) or {}
    targets: dict[str, str] = {}
    for name, path in volumes.items():
        if not isinstance(name, str) or not _FOLDER_NAME.fullmatch(name):
            yield f"{NAME}: '{name}' is not the name of a folder: use lower-case letters, digits, hyphens and _."
        elif not isinstance(path, str) or not _PATH.fullmatch(path) or ".." in path:
            yield f"{NAME}: '{path}' of {name} is not an absolute path in the image: write it as in /app/data."
        elif path == "/" or any(_overlap(path, taken) for taken in _TAKEN):
            yield f"{NAME}: {path} of {name} is a folder of the system: give one of the project, such as /app/data."
        else:
            targets[f"{name} ({path})"] = path
    for variable in ("stack_static_path", "stack_media_path"):
        if values.get(variable):
            targets[f"{variable} ({values[variable]})"] = values[variable]
    for (first, one), (second, other) in itertools.combinations(targets.items(), 2):
        if (one in volumes.values() or other in volumes.values()) and _overlap(one, other):
            yield f"{NAME}: {first} and {second} overlap: give each a folder of its own."


def _overlap(one: str, other: str) -> bool:
    one, other = posixpath.normpath(one) + "/", posixpath.normpath(other) + "/"
    return one.startswith(other) or other.startswith(one)
