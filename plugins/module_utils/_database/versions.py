# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of a database server and of its data, and which server may get which data.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_VERSION = re.compile(r"\d+(?:\.\d+)*")
_OWN = "lost+found"  # of a file system, not of a server


@dataclass(frozen=True)
class Versions:
    """The version rules of an engine. `title` is the engine's, for messages."""

    title: str
    program: str  # prints the server's version with --version
    files: tuple[str, ...]  # of the server's data: the first that exists has the version that used it last
    folder: str = "."  # of the server's data, in the volume
    read: Callable[[str], str] = str  # finds the version in such a file
    series_length: int = 2  # numbers of a version that name its series: 8.4 of 8.4.6
    oldest: tuple[int, ...] = ()  # the oldest series whose dumps a newer server loads

    def parse(self, text: str) -> str:
        """Return the first version in a text. Raises ValueError where there is none."""
        found = _VERSION.search(text)
        if not found:
            raise ValueError(f"{text.strip()!r} names no version of {self.title}")
        return found[0]

    def of_data(self, volume: Path) -> str | None:
        """Return the version of the data in a volume, or None where there is no data.

        Raises ValueError where the data has no version: another engine's, or that of a very old server.
        """
        folder = volume / self.folder
        if not has_content(folder):
            return None
        for name in self.files:
            if (folder / name).exists():
                return self.parse(self.read((folder / name).read_text()))
        missing = " or ".join(self.files)
        raise ValueError(f"{folder} has data, but none of {self.title}{self._since()}: {missing} is missing")

    def series(self, version: str) -> str:
        """Return the series of a version."""
        return ".".join(version.split(".")[: self.series_length])

    def needs_dump(self, old: str, new: str) -> bool:
        """Return whether the server `new` gets the data of `old` by a dump. Within a series it uses it as it is.

        Raises ValueError where it must not get the data at all.
        """
        before, after = (tuple(map(int, self.series(version).split("."))) for version in (old, new))
        if after < before:
            raise ValueError(
                f"the data is of {self.title} {old}, and the older {new} cannot use it: set stack_database_image to"
                f" {self.title} {self.series(old)} or later"
            )
        if before < self.oldest:
            raise ValueError(
                f"the data is of {self.title} {old}, and {new} loads dumps{self._since()} only: set"
                f" stack_database_image to {self.title} {self.series('.'.join(map(str, self.oldest)))} first"
            )
        return before != after

    def _since(self) -> str:
        return f" since {'.'.join(map(str, self.oldest))}" if self.oldest else ""


def has_content(folder: Path) -> bool:
    """Return whether a folder exists and contains anything of a server."""
    return folder.is_dir() and any(path.name != _OWN for path in folder.iterdir())
