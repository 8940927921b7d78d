# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of the host that backs up a stack, by its timer and by hand.

Private to this collection.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import tarfile
from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._backup import local, offsite
from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Drill, Result, Throwaway
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import name_of
from ansible_collections.landfall.django.plugins.module_utils._backup.local import Local
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, Manifest
from ansible_collections.landfall.django.plugins.module_utils._backup.restic import Repository, Snapshot
from ansible_collections.landfall.django.plugins.module_utils._backup.state import FOLDER, Settings, State
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import same_data
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError, now
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.database import server_of
from ansible_collections.landfall.django.plugins.module_utils._text import say, warn

SECRETS = "secrets/backup"
MACHINE_ID = Path("/etc/machine-id")
ERRORS = (BackupError, DockerError, ArchiveError, HeldError, OSError, ValueError, tarfile.TarError, sqlite3.Error)
_LOCK_TIMEOUT = 5


class Run:
    """One run of the program for the stack in `root`. Raises one of ERRORS."""

    def __init__(self, root: Path, version: str):
        self.root = root
        settings = Settings.read(root)
        if settings is None:
            raise BackupError(f"{root} has no settings of its backups: run the playbook landfall.django.backup")
        self.settings = settings
        self.state = State.read(root)
        self.host = host_id()
        self.version = version

    def repository(self) -> Repository:
        return Repository(self.settings.repository, self.root / SECRETS)

    def prepare(self, take_over: bool) -> bool:
        """Create the repository where it is missing, and refuse one that this host must not use."""
        if not self.settings.repository:
            return False
        repository = self.repository()
        created = repository.prepare()
        self._listed(repository, (), take_over)
        return created

    def back_up(self, take_over: bool) -> Manifest:
        """Make a backup, send it, and remove old ones. The state says how it went."""
        with lock.held(self.root / FOLDER / ".lock", f"a backup of {self.settings.stack}", patience=_LOCK_TIMEOUT):
            self.state.began, self.state.ended = now(), ""
            self.state.write(self.root)
            try:
                made = self._back_up(take_over)
            except (*ERRORS, SystemExit) as error:
                self.state.error = str(error)
                raise
            else:
                self.state.error = ""
            finally:
                self.state.ended = now()
                self.state.write(self.root)
        return made

    def _back_up(self, take_over: bool) -> Manifest:
        here = self._local()
        here.remove_partial()
        made = here.make(name_of(datetime.now(timezone.utc)))
        self.state.name, self.state.at, self.state.bytes = made.name, now(), made.bytes
        if self.settings.repository:
            self._send(here, made, take_over)
        # Only here, where everything above succeeded.
        here.tidy(made.name)
        return made

    def _send(self, here: Local, made: Manifest, take_over: bool) -> None:
        self.state.write(self.root)
        repository = self.repository()
        repository.unlock()
        former = self._listed(repository, same_data(self.root, made.server), take_over)
        listed = offsite.send(repository, here.folder / made.name, made, former)
        self.state.sent_name, self.state.sent_at = made.name, now()
        offsite.tidy(repository, listed, self.settings.keep, made.name)
        offsite.maintain(repository, self.state, datetime.now(timezone.utc))

    def _listed(self, repository: Repository, servers: Collection[str], take_over: bool) -> list[Snapshot]:
        """Return what the repository lists. Raises BackupError where this host must not use it."""
        snapshots = repository.snapshots()
        if take_over and (last := offsite.newest(snapshots)):
            self.state.adopted = last.id
        if why := offsite.refusal(snapshots, self.settings.stack, self.host, servers, self.state.adopted):
            raise BackupError(why)
        return snapshots

    def drill(self) -> Result:
        """Check that the newest backup can be restored. The file with the result says how it went."""
        with lock.held(self.root / FOLDER / ".drill", f"a drill of {self.settings.stack}", patience=_LOCK_TIMEOUT):
            result = Result(at=now())
            try:
                here = self._local()
                repository = self.repository() if self.settings.repository else None
                Drill(here, repository, Throwaway(str(self.root), self.settings.stack)).run(result)
                result.ok = True
            except (*ERRORS, SystemExit) as error:
                result.error = str(error)
                raise
            finally:
                result.write(self.root)
        return result

    def _local(self) -> Local:
        record = local.last_release(self.root)
        here = Local(self.root, self.settings, record, self.host, self.version)
        if here.site.database:
            here.server = server_of(here.site, Compose(str(self.root), here.site.project_name))
        return here


def host_id() -> str:
    """Return an id of this host, which says nothing about it."""
    return hashlib.sha256(b"landfall" + MACHINE_ID.read_bytes().strip()).hexdigest()[:16]


def main(words: Sequence[str], version: str) -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="backup", description="Back up a stack of landfall.django.")
    parser.add_argument("root", type=Path, help="folder of the stack")
    parser.add_argument("step", choices=["run", "prepare", "drill"])
    parser.add_argument("--take-over", action="store_true", help="continue the repository of another host")
    given = parser.parse_args(words)
    try:
        with interrupt.as_exceptions():
            one = Run(given.root, version)
            if given.step == "prepare":
                say("created" if one.prepare(given.take_over) else "unchanged")
            elif given.step == "drill":
                _show_drill(one.drill())
            else:
                _show(one.back_up(given.take_over))
    except ERRORS as error:
        warn(str(error))
        return 1
    return 0


def _show(made: Manifest) -> None:
    for warning in made.warnings:
        say(f"WARNING: {warning}")
    objects = ", ".join(f"{count} {kind}" for kind, count in made.objects.items() if count)
    say(f"backup {made.name}: {made.bytes >> 10} KiB" + (f", {made.rows} rows, {objects}" if objects else ""))


def _show_drill(result: Result) -> None:
    say(
        f"backup {result.name} can be restored: {result.rows} rows and {result.files} files compared in"
        f" {result.seconds:g} s"
    )
