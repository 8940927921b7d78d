# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of a backup: what it holds, and the check that it holds it.

A backup is the folder `backups/<time>` of a stack. Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.archive import digest

FILE = "manifest.json"
# Increase it when the meaning of a field changes. A new field needs a default only.
FORMAT = 1


class BackupError(Exception):
    """A backup could not be made, sent or used. The message says why, and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `parts` has the bytes and the sha256 of each file in its folder, by relative path.

    `folders` are those that only the repository has, read in place: path, number of files, bytes, and the sha256 of
    some files.
    """

    stack: str
    name: str
    host: str  # id of the host
    hostname: str
    collection: str  # version of landfall.django
    release: int  # that served
    image: str
    engine: str = ""  # empty without a database
    version: str = ""  # of the database server, and its id
    server: str = ""
    rows: int = 0
    objects: dict[str, int] = field(default_factory=dict)  # tables, views, triggers, routines, events: how many
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of its folder."""
        return sum(part["bytes"] for part in self.parts.values())

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def parts_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the bytes and the sha256 of each file below a backup's folder, but not of its manifest."""
    parts = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name != FILE and not (path.is_dir() and not path.is_symlink()):
            size, sha256 = digest(path)
            parts[name] = {"bytes": size, "sha256": sha256}
    return parts


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup without checking the backup. Raises BackupError."""
    file = folder / FILE
    try:
        values = json.loads(file.read_text())
        if values["format"] > FORMAT:
            raise BackupError(f"{file} has format {values['format']}: use a newer landfall.django")
        return Manifest(**{one.name: values[one.name] for one in fields(Manifest) if one.name in values})
    except OSError as error:
        raise BackupError(f"{folder} is no complete backup: its {FILE} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{file} is damaged: {error!r}. Use another backup") from error


def verify(folder: Path) -> Manifest:
    """Read a backup to its end and compare it with its manifest. Raises BackupError where they differ."""
    manifest = read(folder)
    try:
        found = parts_of(folder)
    except OSError as error:
        raise BackupError(f"{folder} cannot be read to its end: {error}. Use another backup") from error
    if wrong := different(found, manifest.parts):
        raise BackupError(f"{folder} differs from its {FILE} in {', '.join(wrong)}. Use another backup")
    return manifest


def different(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the names that only one side has, or that differ."""
    return sorted(name for name in {**found, **wanted} if found.get(name) != wanted.get(name))
