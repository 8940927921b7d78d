# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore the newest backup into a throwaway database, and compare it with what the backup recorded.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._backup import content
from ansible_collections.landfall.django.plugins.module_utils._backup.local import DATABASE, FILES, Local, check_room
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, Manifest, verify
from ansible_collections.landfall.django.plugins.module_utils._backup.offsite import newest
from ansible_collections.landfall.django.plugins.module_utils._backup.restic import Repository
from ansible_collections.landfall.django.plugins.module_utils._backup.state import FOLDER
from ansible_collections.landfall.django.plugins.module_utils._database import archive
from ansible_collections.landfall.django.plugins.module_utils._database.archive import Dump
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._docker.volumes import prepare
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace

RESULT = "drill.json"
_FETCHED = "drill"
_HEALTHY = 600.0  # seconds for a new database to be ready
_DJANGO_TIMEOUT = 300.0
_CPU_SHARES = 64  # of 1024, which each service of a site has


@dataclass
class Result:
    """How the last drill ended. `at` is in UTC, ISO 8601, and empty where none ever ran."""

    at: str = ""
    name: str = ""
    ok: bool = False
    error: str = ""
    seconds: float = 0.0
    rows: int = 0
    files: int = 0  # whose content was compared

    @classmethod
    def read(cls, root: Path) -> Result:
        """Return the last result; that of no drill where the file is missing or damaged."""
        try:
            values = json.loads((root / FOLDER / RESULT).read_text())
            return cls(**{one.name: values[one.name] for one in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, root: Path) -> None:
        replace(root / FOLDER / RESULT, (json.dumps(asdict(self), indent=2) + "\n").encode(), 0o600)


class Throwaway(Compose):
    """A second Compose project with the files of a stack: its own containers, networks and volumes."""

    def __init__(self, root: str, stack: str):
        # No stack's name has an underscore, so that this project is no other stack.
        super().__init__(root, f"{stack}_drill")

    def __call__(
        self, *arguments: str, timeout: float = 600, merge: bool = False, lines: int = 20, given: str = ""
    ) -> str:
        return docker(*self._words(), *arguments, timeout=timeout, merge=merge, lines=lines, given=given)

    def server(self, engine: str) -> Server:
        """Return its database server."""
        return Server(["docker", *self._words()], by_name(engine))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run its database, with a small share of the CPU, inside this context; then remove it with its data."""
        self._remove()
        try:
            prepare(self, [SERVICE])
            for name in self.names(SERVICE):
                docker("update", "--cpu-shares", str(_CPU_SHARES), name)
            self("up", "--detach", "--wait", "--no-recreate", SERVICE, timeout=_HEALTHY)
            yield
        finally:
            self._remove()

    def _words(self) -> tuple[str, ...]:
        return ("compose", "--project-name", self.name, "--project-directory", self.root)

    def _remove(self) -> None:
        self("--profile", "release", "down", "--volumes", "--remove-orphans")


class Drill:
    """One drill of the stack of `local`. `repository` is None where backups stay on the host."""

    def __init__(self, local: Local, repository: Repository | None, throwaway: Throwaway):
        self.local = local
        self.repository = repository
        self.throwaway = throwaway

    def run(self, result: Result) -> None:
        """Fill the result. Raises BackupError, ArchiveError, DockerError or OSError where the backup is no good."""
        began = time.monotonic()
        fetched = self.local.folder / _FETCHED
        remove(fetched)
        try:
            if self.repository:
                self._from_repository(self.repository, fetched, result)
            else:
                self._check(self._newest_on_host(), result)
        finally:
            remove(fetched)
            result.seconds = round(time.monotonic() - began, 2)

    def _newest_on_host(self) -> Path:
        names = self.local.names()
        if not names:
            raise BackupError("there is no backup: run the playbook landfall.django.backup")
        return self.local.folder / names[-1]

    def _from_repository(self, repository: Repository, fetched: Path, result: Result) -> None:
        snapshot = newest(repository.snapshots())
        if snapshot is None:
            raise BackupError("the repository lists no backup: run the playbook landfall.django.backup")
        check_room(self.local.folder, sum(repository.sizes(snapshot.id, snapshot.folder).values()))
        repository.restore(snapshot.id, fetched, [snapshot.folder])
        manifest = self._check(_below(fetched, snapshot.folder), result)
        sample = {
            Path(folder["path"]) / name: recorded
            for folder in manifest.folders
            for name, recorded in folder["sample"].items()
        }
        if sample:
            repository.restore(snapshot.id, fetched, sample)
            result.files = compare_files(fetched, sample)

    def _check(self, folder: Path, result: Result) -> Manifest:
        """Check everything in the folder of a backup, and load its database."""
        result.name = folder.name
        manifest = verify(folder)
        content.check_archive(folder / FILES)
        if manifest.engine:
            dump = archive.verify(folder / DATABASE / archive.ARCHIVE)
            # An external server is somebody else's: nothing is created there.
            if not self.local.site.database_external:
                self._load(manifest, dump)
                result.rows = manifest.rows
        return manifest

    def _load(self, manifest: Manifest, dump: Dump) -> None:
        with self.throwaway.running():
            server = self.throwaway.server(dump.engine)
            if server.id() == dump.server:
                raise DockerError(f"{self.throwaway.name} leads to the database that was backed up: nothing was loaded")
            Replacement(self.local.root, server).fill(server.schema(), dump)
            # Other code may have further migrations.
            if manifest.release == self.local.record.release and self.local.site.manage_command:
                command = [*shlex.split(self.local.site.manage_command), "migrate", "--check"]
                self.throwaway.once("migrate", *command, timeout=_DJANGO_TIMEOUT)


def compare_files(fetched: Path, sample: Mapping[Path, Mapping[str, Any]]) -> int:
    """Return how many of these files are as they were recorded. Raises BackupError for one that is not.

    One that was changed or removed while the backup was made is passed over.
    """
    compared = 0
    for path, recorded in sample.items():
        file = _below(fetched, path)
        if not file.is_file():
            if _changed(path) == recorded["changed"]:
                raise BackupError(f"{path} is missing in the backup, although it is on the host since before")
        elif _changed(file) == recorded["changed"]:
            if archive.digest(file)[1] != recorded["sha256"]:
                raise BackupError(f"{path} in the backup differs from what was backed up")
            compared += 1
    return compared


def _below(fetched: Path, path: Path) -> Path:
    return fetched / path.relative_to("/")


def _changed(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None
