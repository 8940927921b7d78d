# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the list of a stack's releases on its host, and the configuration that each ran with.

Private to this collection.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _configuration

_KEPT = 100
_OPTIONS = "rollout.json"
Entry = dict[str, Any]


class Ledger:
    """releases.json and the folder releases/ of a stack."""

    def __init__(self, root: str):
        self.root = Path(root)
        self.file = self.root / "releases.json"

    def read(self) -> list[Entry]:
        """Return the releases, oldest first; an empty list where there is no ledger yet."""
        return json.loads(self.file.read_text())["releases"] if self.file.exists() else []

    def folder(self, number: int) -> Path:
        """Where the configuration of a release is kept."""
        return self.root / "releases" / str(number)

    def append(self, entry: Entry, options: dict[str, Any]) -> Entry:
        """Add a release with its number, and keep the configuration that is in force now beside `options`."""
        entries = self.read()
        entry = {"release": entries[-1]["release"] + 1 if entries else 1, **entry}
        folder = self.folder(entry["release"])
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for name in _configuration.FILES:
            if (self.root / name).exists():
                shutil.copy2(self.root / name, folder / name)
        (folder / _OPTIONS).write_text(json.dumps(options, indent=2) + "\n")
        text = json.dumps({"releases": [*entries, entry][-_KEPT:]}, indent=2) + "\n"
        _configuration.replace(self.file, text.encode(), 0o644)
        return entry

    def options(self, number: int) -> dict[str, Any]:
        """The options that a release was rolled out with. Raises LookupError where they are not kept any more."""
        file = self.folder(number) / _OPTIONS
        if not file.exists():
            raise LookupError(f"release {number} is not kept on the host")
        return json.loads(file.read_text())

    def forget(self, keep: Iterable[int]) -> None:
        """Remove the configuration of all releases but these."""
        names = {str(number) for number in keep}
        for folder in (self.root / "releases").glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder)


def by_number(entries: list[Entry], number: int) -> Entry:
    """The entry of a release. Raises LookupError with those there are."""
    found = [entry for entry in entries if entry["release"] == number]
    if not found:
        known = ", ".join(str(entry["release"]) for entry in entries) or "none"
        raise LookupError(f"there is no release {number}; known are: {known}")
    return found[0]


def origin(entries: list[Entry], entry: Entry) -> Entry:
    """The release that an entry is: itself, or for a rollback the one it went back to."""
    while entry.get("rollback_to"):
        entry = by_number(entries, entry["rollback_to"])
    return entry


def previous(entries: list[Entry]) -> Entry:
    """The release before the one that serves. Raises LookupError where there is none."""
    if not entries:
        raise LookupError("there is no release yet")
    current = origin(entries, entries[-1])
    before = [one for one in entries if one["release"] < current["release"] and not one.get("rollback_to")]
    if not before:
        raise LookupError(f"there is no release before {current['release']}")
    return before[-1]


def kept(entries: list[Entry], count: int) -> list[Entry]:
    """The newest `count` releases that one can go back to, and always the one that serves."""
    if not entries:
        return []
    genuine = [entry for entry in entries if not entry.get("rollback_to")][-count:]
    current = [origin(entries, entries[-1]), entries[-1]]
    return genuine + [entry for entry in current if entry not in genuine]


def migrated_since(entries: list[Entry], number: int) -> list[str]:
    """The migrations that releases after this one have applied."""
    return [name for entry in entries if entry["release"] > number for name in entry.get("migrations") or []]
