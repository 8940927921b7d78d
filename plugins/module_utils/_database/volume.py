# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker volume of a stack's database, and the volumes with its former data.

Private to this collection.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.versions import has_content
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker, inspect

_VOLUME = "db-data"  # in compose.yaml
_PROJECT = "com.docker.compose.project"
_FORMER = "landfall.former-database"


class Volume:
    """The volume of the database's files. Former data is moved to a volume of its own by renaming its folder."""

    def __init__(self, project: str):
        self.project = project
        self.name = f"{project}_{_VOLUME}"

    def folder(self) -> Path | None:
        """Return the folder of the volume, or None where there is no volume yet."""
        return self._folder(self.name) if self.name in self._names() else None

    def former(self) -> list[str]:
        """Return the names of the volumes with former data."""
        return sorted(self._names(f"label={_FORMER}={self.project}"))

    def former_folder(self, name: str) -> Path:
        """Return the folder of a volume with former data."""
        return self._folder(name)

    def free_name(self, series: str) -> str:
        """Return a name for a new volume with former data."""
        taken, name, number = set(self._names()), f"{self.name}-{series}", 1
        while name in taken:
            number += 1
            name = f"{self.name}-{series}-{number}"
        return name

    def set_aside(self, name: str) -> None:
        """Move the data into a new volume, and leave an empty one. No container may use it."""
        # As Compose labels its own, so that it goes when the stack is removed with its data.
        labels = {_PROJECT: self.project, "com.docker.compose.volume": name, _FORMER: self.project}
        words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        docker("volume", "create", *words, name)
        _move(self._folder(self.name), self._folder(name))

    def is_aside(self, name: str) -> bool:
        """Return whether the data is in this volume."""
        return name in self._names() and has_content(self._folder(name))

    def put_back(self, name: str) -> None:
        """Move the data back from that volume, if it is there, and remove the volume. No container may use either."""
        if name not in self._names():
            return
        former = self._folder(name)
        if has_content(former):
            target = self._folder(self.name)
            if target.exists():
                shutil.rmtree(target)
            _move(former, target)
        self.remove(name)

    def remove(self, name: str) -> None:
        """Remove a volume with former data."""
        docker("volume", "rm", name)

    @staticmethod
    def _names(*filters: str) -> list[str]:
        words = [word for one in filters for word in ("--filter", one)]
        return docker("volume", "ls", "--quiet", *words).split()

    @staticmethod
    def _folder(name: str) -> Path:
        found = inspect(name, kind="volume")[0]
        if found["Driver"] != "local" or found.get("Options"):
            raise DockerError(f"the volume {name} has a driver or options of its own, so its files cannot be moved")
        return Path(found["Mountpoint"])


def _move(source: Path, target: Path) -> None:
    """Move a folder onto an empty or missing one. Its own place is empty afterwards."""
    os.rename(source, target)
    source.mkdir(0o755)
    for folder in (source.parent, target.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
