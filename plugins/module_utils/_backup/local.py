# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a backup on the host, completely or not at all.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._backup import content
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import kept, time_of
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import (
    FILE,
    BackupError,
    Manifest,
    parts_of,
    read,
    verify,
)
from ansible_collections.landfall.django.plugins.module_utils._backup.state import FOLDER, Settings
from ansible_collections.landfall.django.plugins.module_utils._database import archive
from ansible_collections.landfall.django.plugins.module_utils._database.archive import Dump
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import interrupted_upgrade
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._release import ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

PARTIAL = ".partial"
DATABASE, SQLITE, FILES = "database", "sqlite", "files.tar.gz"
_PATIENCE = 1800  # seconds for a release or restore to end
_SPARE = 256 << 20  # bytes that stay free on the disk


class Local:
    """The folder `backups` of a stack. `version` is the collection's; `server` is None where there is no database."""

    def __init__(self, root: Path, settings: Settings, record: Record, host: str, version: str):
        self.root = root
        self.folder = root / FOLDER
        self.settings = settings
        self.record = record
        self.site = Site.of(record.site)
        self.server: Server | None = None
        self.host = host
        self.version = version

    def names(self) -> list[str]:
        """Return the names of the complete backups, oldest first."""
        names = (path.name for path in self.folder.iterdir() if time_of(path.name))
        return sorted(name for name in names if (self.folder / name / FILE).exists())

    def newest(self) -> Manifest | None:
        """Return the manifest of the newest complete backup."""
        for name in reversed(self.names()):
            with contextlib.suppress(BackupError):
                return read(self.folder / name)
        return None

    def folders(self) -> list[Path]:
        """Return the folders that the repository gets beside a backup."""
        return content.folders(self.root, self.site, self.settings.folders)

    def make(self, name: str) -> Manifest:
        """Make the backup `name`, and return its manifest. Raises BackupError, DockerError, ArchiveError or OSError.

        The stack's lock is held while the database is dumped and the small files are copied: nothing migrates then.
        """
        if (self.folder / name).exists():
            raise BackupError(f"{self.folder / name} exists already: set the host's clock, then run this again")
        partial = self.folder / f"{name}{PARTIAL}"
        try:
            partial.mkdir(mode=0o700)
            with lock.held(self.root / ".lock", f"the backup of {self.settings.stack}", patience=_PATIENCE):
                self._check_state()
                dumped = self._dump(self.server, partial / DATABASE) if self.server else None
                content.copy_sqlite(self.root / "volumes", partial / SQLITE)
                content.pack(partial / FILES, content.small_files(self.root, self.site))
            manifest = self._describe(name, partial, dumped)
            replace(partial / FILE, manifest.to_json().encode(), 0o600)
            self._check(partial)
            for path in (partial, *partial.rglob("*")):
                _sync(path)
            os.rename(partial, self.folder / name)
            _sync(self.folder)
        except BaseException:
            remove(partial)
            raise
        return manifest

    def remove_partial(self) -> None:
        """Remove what killed backups left. Nothing else may back up this stack meanwhile."""
        for path in self.folder.glob(f"*{PARTIAL}"):
            if time_of(path.name[: -len(PARTIAL)]):
                remove(path)

    def tidy(self, just_made: str) -> list[str]:
        """Remove the backups that are no longer kept, after `just_made` succeeded. Return their names."""
        names = self.names()
        if self.settings.repository:
            staying = {just_made, *names[-self.settings.copies :]}
        else:
            staying = kept(names, self.settings.keep, just_made)
        going = [name for name in names if name not in staying]
        for name in going:
            # Without its manifest it is no backup: one that is half removed is never taken for a good one.
            (self.folder / name / FILE).unlink()
            remove(self.folder / name)
        return going

    def _check_state(self) -> None:
        if why := interrupted_upgrade(self.root):
            raise BackupError(why)
        if self.server and Replacement(self.root, self.server).read():
            raise BackupError(
                "a restore was interrupted, so the database may be incomplete: run the playbook landfall.django.restore"
                " again, which completes it or rolls it back"
            )

    def _dump(self, server: Server, folder: Path) -> Dump:
        schema, former = server.schema(), self.newest()
        # A dump is compressed, so that the first one needs less than the tables do.
        expected = former.bytes * 6 // 5 if former else server.contents(schema).data_bytes
        check_room(self.folder, expected)
        folder.mkdir(mode=0o700)
        return dump(server, folder, schema)

    def _describe(self, name: str, partial: Path, dumped: Dump | None) -> Manifest:
        objects = _count(dumped) if dumped else {}
        surveyed = [content.survey(folder) for folder in self.folders()] if self.settings.repository else []
        return Manifest(
            stack=self.settings.stack,
            name=name,
            host=self.host,
            hostname=socket.gethostname(),
            collection=self.version,
            release=self.record.release,
            image=self.record.image,
            engine=dumped.engine if dumped else "",
            version=dumped.version if dumped else "",
            server=dumped.server if dumped else "",
            rows=sum(dumped.tables.values()) if dumped else 0,
            objects=objects,
            parts=parts_of(partial),
            folders=surveyed,
            warnings=[*dumped.warnings, *fewer_objects(self.newest(), objects)] if dumped else [],
        )

    def _check(self, partial: Path) -> None:
        """Raise where the backup is incomplete: all that was written is read again to its end."""
        verify(partial)
        if self.server:
            archive.verify(partial / DATABASE / archive.ARCHIVE)
        try:
            content.check_archive(partial / FILES)
        except tarfile.TarError as error:
            raise BackupError(f"{FILES} cannot be read to its end: {error}") from error


def _count(dumped: Dump) -> dict[str, int]:
    return {"tables": len(dumped.tables), **{kind: len(names) for kind, names in dumped.definitions.items()}}


def fewer_objects(former: Manifest | None, now: Mapping[str, int]) -> list[str]:
    """Return a warning for each kind of object of which a backup has none, although the former one had some.

    A database user that may not read them loses them without a word.
    """
    return [
        f"the backup has no {kind}, and the one before had {count}: if nobody removed them, the database user may no"
        " longer read them"
        for kind, count in (former.objects if former else {}).items()
        if count and not now.get(kind)
    ]


def check_room(folder: Path, needed: int) -> None:
    """Raise BackupError where a file system has too little space."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise BackupError(
            f"the backup needs about {(needed + _SPARE) >> 20} MiB in {folder}, which has {free >> 20} MiB free: free"
            " some space there, or keep fewer backups (backup_keep, backup_copies)"
        )


def last_release(root: Path) -> Record:
    """Return the record of the release that serves. Raises BackupError where there is none."""
    record = ledger.serving(ledger.Ledger(str(root)).read())
    if record is None:
        raise BackupError(f"{root} has no release that serves: deploy the stack first")
    return record


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
