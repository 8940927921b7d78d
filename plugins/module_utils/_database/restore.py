# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a stack's database back to what a release has dumped, and lose nothing of what is there now.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database import mysql
from ansible_collections.landfall.django.plugins.module_utils._database.archive import (
    ARCHIVE,
    ArchiveError,
    Dump,
    verify,
)
from ansible_collections.landfall.django.plugins.module_utils._database.project import (
    Project,
    foreign_reason,
    missing_migrations,
    of_known_apps,
    some,
    unknown_migrations,
)
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import REPLACED, Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, last_lines
from ansible_collections.landfall.django.plugins.module_utils._files import lock

_HEALTHY = 120  # seconds for what was stopped to be healthy again
_SPARE = 128 << 20  # bytes that the disk keeps


class RestoreError(Exception):
    """The restore did not happen, or not to its end; the message says which."""


class Restore:
    """Restores of one stack. `ask` asks Django for its database, and raises DockerError or ValueError if it cannot."""

    def __init__(self, root: Path, server: Server, writers: Writers, ask: Callable[[], Project] | None):
        self.root = root
        self.server = server
        self.writers = writers
        self.ask = ask
        self.replacement = Replacement(root, server)
        self.warnings: list[str] = []

    def from_release(self, number: int, elsewhere: bool) -> Dump:
        """What a release has dumped, read to its end. `elsewhere` takes the dump of another database server too."""
        archive = _archive(self.root, number)
        if not archive.exists():
            raise RestoreError(f"release {number} has no dump. {_releases_with_dumps(self.root)}")
        return self._verified(archive, elsewhere)

    def from_kept(self, name: str, elsewhere: bool) -> Dump:
        """The data that an earlier restore has kept."""
        if name not in self.kept_names():
            raise RestoreError(f"no restore has kept {name}; there are: {', '.join(self.kept_names()) or 'none'}")
        return self._verified(self.replacement.archive(name), elsewhere)

    def kept_names(self) -> list[str]:
        """The names of what earlier restores have kept."""
        return self.replacement.kept_names()

    def remove_kept(self) -> list[str]:
        """Remove what earlier restores have kept, and return the names."""
        names = self.kept_names()
        for name in names:
            self.replacement.remove_kept(name)
        return names

    def check(self, dump: Dump, despite_migrations: bool) -> list[str]:
        """What the restore would do, in one line each. Raises RestoreError where it must not."""
        if passing := self.writers.running_one_offs():
            raise RestoreError(
                f"{', '.join(passing)} may be writing to the database: let it end, or remove it with docker rm --force"
            )
        self._check_project(dump, despite_migrations)
        names = ", ".join(self.writers.running())
        lines = [f"dump what {dump.schema} holds", f"replace it by {dump.archive}, which is of {dump.at}"]
        return [f"stop {names} meanwhile", *lines, f"start {names}"] if names else lines

    def run(self, dump: Dump, what: str) -> dict[str, Any]:
        """Restore, and return what was done. Raises RestoreError or DockerError with the former data in place."""
        self._rehearse(dump)
        self.replacement.begin(dump.schema, self.writers.running(), what)
        began = time.monotonic()
        self._replace(dump)
        return self._finish(began)

    def resume(self) -> dict[str, Any] | None:
        """Put a restore in order that was interrupted: to its end if it was past its replacement, or else as before.

        Return what was done where it came to its end.
        """
        journal = self.replacement.read()
        if not journal:
            return None
        if journal.state == REPLACED:
            return self._finish(time.monotonic())
        self._roll_back("the restore was interrupted")
        self.warnings.append(f"an interrupted restore of {journal.what} was undone first")
        return None

    def _verified(self, archive: Path, elsewhere: bool) -> Dump:
        dump = verify(archive)
        schema = self.server.schema()
        if dump.schema != schema:
            raise RestoreError(f"{archive} is of the database {dump.schema}, and this stack's is {schema}")
        if dump.server != self.server.contents(schema).server and not elsewhere:
            raise RestoreError(
                f"{archive} was made by another database server: it belongs to another stack or host, or this one's"
                " database was made again since. If it is the right one, set restore_from_elsewhere to true"
            )
        self._check_free_space(dump)
        self.warnings += [f"{archive}: {warning}" for warning in dump.warnings]
        return dump

    def _check_free_space(self, dump: Dump) -> None:
        needed = int(max(dump.data_bytes, dump.sql_bytes) * 1.1) + _SPARE
        free = self.server.free_bytes()
        if free < needed:
            raise RestoreError(
                f"the dump is loaded beside the present data first, which needs {_mib(needed)}, and {_mib(free)} are"
                " free where the database keeps its files: make room there"
            )

    def _check_project(self, dump: Dump, despite_migrations: bool) -> None:
        if not self.ask:
            return
        try:
            found = self.ask()
        except (DockerError, ValueError) as error:
            self.warnings.append(
                "Django could not be asked which database it uses, so it is taken for the stack's own:"
                f" {last_lines(str(error), 1)}"
            )
            return
        schema = self.server.schema()
        if why := foreign_reason(found, self.server.contents(schema).server, schema):
            raise RestoreError(f"{why}: only the stack's own {mysql.SERVICE} can be restored. Nothing was changed")
        if newer := unknown_migrations(found, of_known_apps(found, dump.migrations)):
            if not despite_migrations:
                raise RestoreError(
                    f"{dump.archive} has migrations that the code which serves does not know ({some(newer)}):"
                    " deploy code that has them first, or set restore_despite_migrations to true if the present one can"
                    " live with them"
                )
            self.warnings.append(f"the code does not know these migrations of the database: {some(newer)}")
        if pending := missing_migrations(found, dump.migrations):
            self.warnings.append(
                f"the code that serves has migrations which the restored data lacks ({some(pending)}): roll back"
                " to a release before them, or deploy, which applies them"
            )

    def _rehearse(self, dump: Dump) -> None:
        """Load the tables into a schema beside, while everything runs, and compare them."""
        beside = mysql.rehearsal_schema(dump.schema)
        # What a killed restore may have left there.
        self.server.kill_interrupted_load()
        self.server.query(mysql.drop_schema(beside) + mysql.create_schema(beside, dump.charset, dump.collation))
        try:
            self.replacement.load(beside, dump)
        except BaseException:
            with contextlib.suppress(DockerError):
                self.server.query(mysql.drop_schema(beside))
            raise
        self.server.query(mysql.drop_schema(beside))

    def _replace(self, dump: Dump) -> None:
        try:
            self.writers.stop(self.replacement.current().containers)
            self.replacement.run(dump)
            self.replacement.commit()
        except BaseException as error:
            self._roll_back(str(error))
            raise

    def _roll_back(self, why: str) -> None:
        journal = self.replacement.current()
        try:
            if not self.replacement.roll_back():
                self.warnings.append(
                    f"the database was made again since a restore was interrupted; restore_kept={journal.kept} and"
                    " restore_from_elsewhere=true bring back what there was before"
                )
        except (ArchiveError, DockerError, OSError) as error:
            raise RestoreError(
                f"{why}\nPutting the former data back failed too: {error}\nIt is in"
                f" {self.replacement.archive(journal.kept)}. {', '.join(journal.containers) or 'The project'} stays"
                " stopped, so that nothing is written to half a database. Run this playbook again"
            ) from error
        self._start(journal.containers, f"{why}\nThe former data is in place")
        self.replacement.finish()

    def _start(self, names: Iterable[str], state: str) -> None:
        try:
            self.writers.start(names)
        except DockerError as error:
            raise RestoreError(f"{state}, but {', '.join(names)} did not start; run this again: {error}") from error

    def _finish(self, began: float) -> dict[str, Any]:
        journal = self.replacement.current()
        archive = self.replacement.archive(journal.kept)
        self._start(journal.containers, f"The data is restored, and {archive} has what was there before")
        seconds = round(time.monotonic() - began, 2)
        self.replacement.finish()
        if late := self.writers.unhealthy(journal.containers, _HEALTHY):
            self.warnings.append(f"{', '.join(late)} is not healthy with the restored data; see docker logs {late[0]}")
        return {
            "what": journal.what,
            "schema": journal.schema,
            "kept": journal.kept,
            "archive": str(archive),
            "stopped": list(journal.containers),
            "stopped_seconds": seconds,
            "unhealthy": late,
            "at": lock.now(),
        }


def restore_hint(root: str | Path, number: int) -> str:
    """Where the dump of release `number` is, and the playbook that brings it back."""
    return (
        f"The database as it was before is in {_archive(Path(root), number)}; this brings it back:\n"
        f"ansible-playbook landfall.django.restore -i inventory -e restore_release={number}"
    )


def _archive(root: Path, number: int) -> Path:
    return root / "releases" / str(number) / ARCHIVE


def _releases_with_dumps(root: Path) -> str:
    found = [path.parent.name for path in (root / "releases").glob(f"*/{ARCHIVE}")]
    numbers = ", ".join(sorted(found, key=lambda name: (len(name), name)))
    return f"These have one: {numbers}" if numbers else "No release has one: only a release with migrations dumps"


def _mib(size: int) -> str:
    return f"{size >> 20} MiB"
