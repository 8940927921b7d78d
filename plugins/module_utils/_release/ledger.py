# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: all attempts at a release of a stack, failed ones too, each in its folder `releases/<number>`.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES
from ansible_collections.landfall.django.plugins.module_utils._files.lock import now
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._release import in_force
from ansible_collections.landfall.django.plugins.module_utils._release.record import (
    SERVING,
    UNREADABLE,
    Journal,
    Record,
    read,
)
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

_REMEMBERED = 100  # records that stay when the other files of their release are removed
DUMP_FILES = ("dump.sql.gz", "dump.json")


class Ledger:
    """The folder `releases` of a stack."""

    def __init__(self, root: str):
        self.root = Path(root) / "releases"

    def folder(self, number: int) -> Path:
        """Return the folder of an attempt."""
        return self.root / str(number)

    def read(self) -> list[Record]:
        """Return the records of all attempts, oldest first. Raises ValueError for one that a newer version wrote."""
        return [read(self.folder(number)) for number in self._numbers()]

    def begin(self, files: Path, by: str, options: dict[str, object], rollback_to: int = 0) -> Journal:
        """Create the folder of a new attempt with the files of the folder `files`. Return its journal."""
        self.root.mkdir(mode=0o700, exist_ok=True)
        # The newest folder is never removed, so no number is used twice.
        number = max(self._numbers(), default=0) + 1
        folder = self.folder(number)
        folder.mkdir(mode=0o700)
        journal = Journal(folder, Record(number, by=by, at=now(), site=dict(options), rollback_to=rollback_to))
        journal.save()
        in_force.copy(files, folder)
        return journal

    def folders(self) -> list[Path]:
        """Return the folders of all attempts."""
        return [self.folder(number) for number in self._numbers()]

    def site(self, record: Record) -> Site:
        """Return the options of a release. Raises LookupError where it cannot be rolled back to."""
        missing = [name for name in FILES if not (self.folder(record.release) / name).exists()]
        if missing or record.state == UNREADABLE:
            what = record.error or f"{', '.join(missing)} is missing in {self.folder(record.release)}"
            raise LookupError(f"release {record.release} is no longer kept on the host ({what}): deploy its code again")
        return Site.of(record.site)

    def prune(self, keep: Collection[int], dumps: Collection[int]) -> None:
        """Keep the files of the releases `keep` and the dumps of `dumps`; of all others only their record."""
        numbers = self._numbers()
        for number in numbers:
            folder = self.folder(number)
            if number not in keep and number not in dumps and number in numbers[:-_REMEMBERED]:
                remove(folder)
                continue
            for name in () if number in keep else FILES:
                (folder / name).unlink(missing_ok=True)
            for name in () if number in dumps else DUMP_FILES:
                (folder / name).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        names = [path.name for path in self.root.iterdir()] if self.root.is_dir() else []
        return sorted(int(name) for name in names if name.isdigit())


def by_number(records: list[Record], number: int) -> Record:
    """Return the record of a release that has served. Raises LookupError, which names those that have."""
    found = [record for record in records if record.release == number]
    if not found:
        known = ", ".join(str(record.release) for record in records if record.state == SERVING) or "none"
        raise LookupError(f"release {number} does not exist. Releases that have served: {known}")
    if found[0].state != SERVING:
        raise LookupError(f"release {number} never served ({found[0].state}): {found[0].error or 'deploy its code'}")
    return found[0]


def serving(records: list[Record]) -> Record | None:
    """Return the record of the release that serves, or None."""
    return next((record for record in reversed(records) if record.state == SERVING), None)


def origin(records: list[Record], record: Record) -> Record:
    """Return the release whose code a record deployed: its own, or that of the release it rolled back to."""
    while record.rollback_to:
        record = by_number(records, record.rollback_to)
    return record


def previous(records: list[Record]) -> Record:
    """Return the release before the one that serves. Raises LookupError where there is none."""
    last = serving(records)
    if last is None:
        raise LookupError("no release serves yet: deploy the stack first")
    current = origin(records, last)
    before = [one for one in _deployments(records) if one.release < current.release]
    if not before:
        raise LookupError(f"release {current.release} is the first one: there is none to roll back to")
    return before[-1]


def kept(records: list[Record], count: int) -> list[Record]:
    """Return the newest `count` releases that can be rolled back to, and always the one that serves."""
    last = serving(records)
    if last is None:
        return []
    newest = _deployments(records)[-count:]
    return newest + [record for record in (origin(records, last), last) if record not in newest]


def with_dumps(records: list[Record], kept_records: list[Record]) -> list[int]:
    """Return the numbers of the attempts whose dump is needed to go back to one of the kept releases."""
    oldest = min((record.release for record in kept_records), default=0)
    # An unreadable record may have a dump.
    mine = [record for record in records if record.dump or record.state == UNREADABLE]
    return [record.release for record in mine if record.release > oldest]


def migrated_since(records: list[Record], number: int) -> list[str]:
    """Return the migrations that attempts after a release applied, as far as their records say."""
    return [name for record in records if record.release > number for name in record.migrations]


def _deployments(records: list[Record]) -> list[Record]:
    return [record for record in records if record.state == SERVING and not record.rollback_to]
