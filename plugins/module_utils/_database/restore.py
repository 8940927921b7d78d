# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore a stack's database from the dump of a release, and keep a dump of the present data.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.archive import (
    ARCHIVE,
    ArchiveError,
    Dump,
    verify,
)
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE, Engine
from ansible_collections.landfall.django.plugins.module_utils._database.project import (
    Project,
    foreign_reason,
    missing_migrations,
    of_known_apps,
    unknown_migrations,
)
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import REPLACED, Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import same_data
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, last_lines
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._text import shorten

_HEALTHY = 120  # seconds for the stopped containers to be healthy again
FRONT = "the site behind Nginx"  # what is unhealthy where only visitors do not reach it
_SPARE = 128 << 20  # bytes that stay free on the disk


class RestoreError(Exception):
    """The restore was refused or failed. The message says whether the database was changed."""


class Restore:
    """Restores the database of one stack.

    `read_project` asks Django for its database. It raises DockerError or ValueError where Django does not answer, and
    is None where the project has no manage.py. `visitor_problem` waits until visitors reach the site again, and returns
    what is still wrong in the end.
    """

    def __init__(
        self,
        root: Path,
        server: Server,
        writers: Writers,
        read_project: Callable[[], Project] | None,
        visitor_problem: Callable[[], str],
    ):
        self.root = root
        self.server = server
        self.writers = writers
        self.read_project = read_project
        self.visitor_problem = visitor_problem
        self.replacement = Replacement(root, server)
        self.warnings: list[str] = []

    def from_release(self, number: int, elsewhere: bool) -> Dump:
        """Return the verified dump of a release. `elsewhere` accepts the dump of another database server."""
        archive = _archive(self.root, number)
        if not archive.exists():
            raise RestoreError(f"release {number} has no dump. {_releases_with_dumps(self.root)}")
        return self._verified(archive, elsewhere)

    def from_kept(self, name: str, elsewhere: bool) -> Dump:
        """Return the verified dump that an earlier restore kept of the former data."""
        if name not in self.kept_names():
            names = ", ".join(self.kept_names()) or "none"
            raise RestoreError(f"restore_kept: {name} does not exist. Set it to one of: {names}")
        return self._verified(self.replacement.archive(name), elsewhere)

    def kept_names(self) -> list[str]:
        """Return the names of the dumps that earlier restores kept."""
        return self.replacement.kept_names()

    def remove_kept(self) -> list[str]:
        """Remove the dumps that earlier restores kept. Return their names."""
        names = self.kept_names()
        for name in names:
            self.replacement.remove_kept(name)
        return names

    def check(self, dump: Dump, despite_migrations: bool) -> list[str]:
        """Return what the restore would do, one step per line. Raises RestoreError where it must not be done."""
        if one_offs := self.writers.running_one_offs():
            raise RestoreError(
                f"{', '.join(one_offs)} may be writing to the database: wait until it ends, or remove it with docker rm"
                " --force"
            )
        self._check_project(dump, despite_migrations)
        names = ", ".join(self.writers.running())
        lines = [f"dump the present data of {dump.schema}", f"replace it by {dump.archive}, dumped at {dump.at}"]
        return [f"stop {names}", *lines, f"start {names}"] if names else lines

    def run(self, dump: Dump, what: str) -> dict[str, Any]:
        """Restore, and return what was done.

        Raises RestoreError or DockerError where it failed; the former data is then in place, unless the message says
        otherwise.
        """
        self._rehearse(dump)
        self.replacement.begin(dump.schema, self.writers.running(), what)
        began = time.monotonic()
        self._replace(dump)
        return self._finish(began)

    def resume(self) -> dict[str, Any] | None:
        """Complete an interrupted restore if its data is in place, else roll it back.

        Return what was done if it was completed, else None.
        """
        journal = self.replacement.read()
        if not journal:
            return None
        if journal.state == REPLACED:
            return self._finish(time.monotonic())
        self._roll_back("the restore was interrupted")
        self.warnings.append(f"an interrupted restore of {journal.what} was rolled back first")
        return None

    def _verified(self, archive: Path, elsewhere: bool) -> Dump:
        dump = verify(archive)
        schema = self.server.schema()
        if dump.engine != self.server.engine.name:
            raise RestoreError(f"{archive} is a dump of {dump.engine}, but this stack uses {self.server.engine.name}")
        if dump.schema != schema:
            raise RestoreError(f"{archive} is a dump of the database {dump.schema}, but this stack's is {schema}")
        if dump.server not in same_data(self.root, self.server.id()) and not elsewhere:
            raise RestoreError(
                f"{archive} was made by another database server: it belongs to another stack or host, or this stack's"
                " database was created again since. To restore it all the same, set restore_from_elsewhere to true"
            )
        self._check_free_space(dump)
        self.warnings += [f"{archive}: {warning}" for warning in dump.warnings]
        return dump

    def _check_free_space(self, dump: Dump) -> None:
        needed = int(max(dump.data_bytes, dump.sql_bytes) * 1.1) + _SPARE
        free = self.server.free_bytes()
        if free < needed:
            raise RestoreError(
                f"the dump is first loaded beside the present data and needs {_mib(needed)}, but the file system of the"
                f" database's files has only {_mib(free)} free: free some space there"
            )

    def _check_project(self, dump: Dump, despite_migrations: bool) -> None:
        if not self.read_project:
            return
        try:
            found = self.read_project()
        except (DockerError, ValueError) as error:
            self.warnings.append(
                "Django did not say which database it uses; the restore assumes that it is the stack's own:"
                f" {last_lines(str(error), 1)}"
            )
            return
        schema = self.server.schema()
        if why := foreign_reason(found, self.server.engine, self.server.identity(schema), schema):
            raise RestoreError(
                f"{why}: only the database in the stack's own service {SERVICE} can be restored. Nothing was changed"
            )
        if newer := unknown_migrations(found, of_known_apps(found, dump.migrations)):
            if not despite_migrations:
                raise RestoreError(
                    f"{dump.archive} has migrations that the running code does not know ({shorten(newer)}): deploy code"
                    " that has them first, or set restore_despite_migrations to true if the running code works with"
                    " them"
                )
            self.warnings.append(f"the running code does not know these migrations of the database: {shorten(newer)}")
        if pending := missing_migrations(found, dump.migrations):
            self.warnings.append(
                f"the running code has migrations that the restored data lacks ({shorten(pending)}): roll back to a"
                " release before them, or deploy, which applies them"
            )

    def _rehearse(self, dump: Dump) -> None:
        """Load the tables into a second schema while everything runs, and compare them with the dump."""
        rehearsal = self.server.engine.rehearsal_schema(dump.schema)
        # A killed restore may have left this schema.
        self.server.kill_interrupted_load()
        self.server.create(rehearsal, dump.charset, dump.collation)
        try:
            self.replacement.load(rehearsal, dump)
        except BaseException:
            with contextlib.suppress(DockerError):
                self.server.drop(rehearsal)
            raise
        self.server.drop(rehearsal)

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
                    "the database was created again after a restore was interrupted, so it was not rolled back. To"
                    f" bring back the data from before, restore with restore_kept={journal.kept} and"
                    " restore_from_elsewhere=true"
                )
        except (ArchiveError, DockerError, OSError) as error:
            raise RestoreError(
                f"{why}\nThe rollback to the former data failed too: {error}\nThe former data is in"
                f" {self.replacement.archive(journal.kept)}. {', '.join(journal.containers) or 'The project'} stays"
                " stopped, so that nothing writes to an incomplete database. Run the playbook landfall.django.restore"
                " again"
            ) from error
        self._start(journal.containers, f"{why}\nThe former data is in place again")
        self.replacement.finish()

    def _start(self, names: Iterable[str], state: str) -> None:
        try:
            self.writers.start(names)
        except DockerError as error:
            raise RestoreError(
                f"{state}, but {', '.join(names)} did not start: run landfall.django.restore again: {error}"
            ) from error

    def _finish(self, began: float) -> dict[str, Any]:
        journal = self.replacement.current()
        archive = self.replacement.archive(journal.kept)
        self._start(journal.containers, f"The data is restored, and the former data is in {archive}")
        self.replacement.finish()
        if late := self.writers.unhealthy(journal.containers, _HEALTHY):
            self.warnings.append(f"{', '.join(late)} is not healthy with the restored data; see docker logs {late[0]}")
        elif problem := self.visitor_problem():
            late = [FRONT]
            self.warnings.append(f"The data is restored, but visitors do not reach the site: {problem}")
        seconds = round(time.monotonic() - began, 2)
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


def restore_hint(root: str | Path, number: int, engine: Engine) -> str:
    """Return a message that names the dump of a release and the command that restores it."""
    archive = _archive(Path(root), number)
    if engine.external:
        return (
            f"The data from before the migrations is in {archive}, which {engine.client} loads into an empty database"
        )
    return (
        f"The data from before the migrations is in {archive}. To restore it:\n"
        f"ansible-playbook landfall.django.restore -i inventory -e restore_release={number}"
    )


def _archive(root: Path, number: int) -> Path:
    return root / "releases" / str(number) / ARCHIVE


def _releases_with_dumps(root: Path) -> str:
    numbers = [path.parent.name for path in (root / "releases").glob(f"*/{ARCHIVE}")]
    listed = ", ".join(sorted(numbers, key=lambda name: (len(name), name)))
    return f"Set restore_release to one of: {listed}" if listed else "Only a release with migrations makes a dump"


def _mib(size: int) -> str:
    return f"{size >> 20} MiB"
