# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a stack's database back to what a release has dumped, and lose nothing of what is there now.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _lock
from ansible_collections.landfall.django.plugins.module_utils._database import mysql, swap
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ARCHIVE, Dump, verify
from ansible_collections.landfall.django.plugins.module_utils._database.project import (
    Project,
    foreign,
    missing,
    of_its_apps,
    unknown,
)
from ansible_collections.landfall.django.plugins.module_utils._database.quiet import Users
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, last_lines

_HEALTHY = 120  # seconds for what was stopped to be healthy again
_SPARE = 128 << 20  # bytes that the disk keeps
Name = tuple[str, str]


class RestoreError(Exception):
    """The restore did not happen, or not to its end; the message says which."""


@dataclass(frozen=True)
class Source:
    """What is brought back: in words, its schema, and the SQL of what has no rows."""

    what: str
    beside: str
    charset: str
    collation: str
    definitions: Callable[[], Iterable[bytes]]
    migrations: Sequence[Name]
    dump: Dump | None = None


class Restore:
    """Restores of one stack. `ask` asks Django for its database, and raises DockerError or ValueError if it cannot."""

    def __init__(self, root: Path, server: Server, users: Users, ask: Callable[[], Project] | None):
        self.root = root
        self.server = server
        self.users = users
        self.ask = ask
        self.swap = swap.Swap(root, server)
        self.warnings: list[str] = []

    def from_release(self, number: int, elsewhere: bool) -> Source:
        """What a release has dumped, read to its end. `elsewhere` takes the dump of another database server too."""
        archive = _archive(self.root, number)
        if not archive.exists():
            raise RestoreError(f"release {number} has no dump. {_those_with_dumps(self.root)}")
        dump = verify(archive)
        schema = self.server.schema()
        if dump.schema != schema:
            raise RestoreError(f"{archive} is of the database {dump.schema}, and this stack's is {schema}")
        if dump.server != self.server.look(schema).server and not elsewhere:
            raise RestoreError(
                f"{archive} was made by another database server: it belongs to another stack or host, or this one's"
                " database was made again since. If it is the right one, set restore_from_elsewhere to true"
            )
        self._check_room(dump)
        self.warnings += [f"the dump of release {number}: {warning}" for warning in dump.warnings]
        name = swap.beside_name(schema)
        what = f"the dump of release {number}"
        return Source(what, name, dump.charset, dump.collation, dump.read_definitions, dump.migrations, dump)

    def from_kept(self, name: str) -> Source:
        """The data that an earlier restore has put aside."""
        kept = self.kept()
        if name not in kept:
            raise RestoreError(f"no restore has kept a database {name}; there are: {', '.join(kept) or 'none'}")
        objects = self.server.look(name)
        file = self.swap.definitions_file(name)
        if not file.exists():
            raise RestoreError(f"{file} is gone, which has the views, routines and triggers of {name}")
        done = self.server.migrations(name, objects.tables)
        return Source(f"the kept {name}", name, objects.charset, objects.collation, lambda: swap.blocks(file), done)

    def kept(self) -> list[str]:
        """The schemas that earlier restores have put aside."""
        return swap.kept(self.server.schema(), self.server.schemas())

    def droppable(self) -> list[str]:
        """What `forget` drops."""
        beside = swap.beside_name(self.server.schema())
        return [*self.kept(), *(name for name in self.server.schemas() if name == beside)]

    def forget(self) -> list[str]:
        """Drop what earlier restores have put aside, or left where they were killed, and return the names."""
        dropped = self.droppable()
        for name in dropped:
            self.swap.forget(name)
        return dropped

    def check(self, source: Source, despite_migrations: bool) -> list[str]:
        """What the restore would do, in one line each. Raises RestoreError where it must not."""
        if passing := self.users.passing():
            raise RestoreError(
                f"{', '.join(passing)} may be writing to the database: let it end, or remove it with docker rm --force"
            )
        self._check_project(source, despite_migrations)
        schema = self.server.schema()
        lines = [f"put the tables of {schema} aside", f"put those of {source.what} into their place"]
        names = ", ".join(self.users.running())
        return [f"stop {names} meanwhile", *lines, f"start {names}"] if names else lines

    def run(self, source: Source) -> dict[str, Any]:
        """Restore, and return what was done. Raises RestoreError or DockerError with the former data in place."""
        if source.dump:
            self._load(source.beside, source.dump)
        schema = self.server.schema()
        self.swap.begin(schema, source.beside, self.users.running(), source.what)
        began = time.monotonic()
        self._swap(source)
        return self._end(began)

    def resume(self) -> dict[str, Any] | None:
        """Put a restore in order that was interrupted: to its end if it was past its swap, or else as it was before.

        Return what was done where it came to its end.
        """
        journal = self.swap.read()
        if not journal:
            return None
        if journal.state == swap.SWAPPED:
            return self._end(time.monotonic())
        self._put_back("the restore was interrupted")
        self.warnings.append(f"an interrupted restore of {journal.what} was undone first")
        return None

    def _check_room(self, dump: Dump) -> None:
        needed = int(max(dump.data_bytes, dump.sql_bytes) * 1.1) + _SPARE
        free = self.server.free_bytes()
        if free < needed:
            kept = self.kept()
            cure = f": run this with restore_forget=true, which drops {', '.join(kept)}" if kept else ""
            raise RestoreError(
                f"a restore beside the present data needs {_mib(needed)}, and {_mib(free)} are free where the database"
                f" keeps its files{cure}"
            )

    def _check_project(self, source: Source, despite_migrations: bool) -> None:
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
        if why := foreign(found, self.server.look(schema).server, schema):
            raise RestoreError(f"{why}: only the stack's own {mysql.SERVICE} can be restored. Nothing was changed")
        if newer := unknown(found, of_its_apps(found, source.migrations)):
            if not despite_migrations:
                raise RestoreError(
                    f"{source.what} has migrations that the code which serves does not know ({', '.join(newer)}):"
                    " deploy code that has them first, or set restore_despite_migrations to true if the present one can"
                    " live with them"
                )
            self.warnings.append(f"the code does not know these migrations of the database: {', '.join(newer)}")
        if pending := missing(found, source.migrations):
            self.warnings.append(
                f"the code that serves has migrations which the restored data lacks ({', '.join(pending)}): roll back"
                " to a release before them, or deploy, which applies them"
            )

    def _load(self, beside: str, dump: Dump) -> None:
        # What a killed restore may have left there.
        self.server.ask(mysql.drop(beside) + mysql.create(beside, dump.charset, dump.collation))
        try:
            with self.server.largest_rows():
                self.server.load(beside, dump.read_tables())
            self._compare(beside, dump)
        except BaseException:
            with contextlib.suppress(DockerError):
                self.server.ask(mysql.drop(beside))
            raise

    def _compare(self, beside: str, dump: Dump) -> None:
        found = self.server.look(beside)
        rows = self.server.rows(beside, found.tables)
        if rows != dump.tables or any(found.definitions.values()):
            differ = sorted(name for name, _ in set(rows.items()) ^ set(dump.tables.items()))
            raise RestoreError(f"what was loaded is not what was dumped: {', '.join(differ) or 'views'}")

    def _compare_swapped(self, journal: swap.Journal, dump: Dump | None) -> None:
        found = self.server.look(journal.schema)
        wanted = dump.definitions if dump else {}
        differ = set(found.tables) ^ set(journal.new)
        there = {**found.definitions, "views": (*found.views, *found.broken_views)}
        for kind, names in wanted.items():
            differ |= set(there[kind]) ^ set(names)
        if differ:
            raise RestoreError(f"after the swap {journal.schema} is not what was dumped: {', '.join(sorted(differ))}")

    def _swap(self, source: Source) -> None:
        journal = self.swap.under_way()
        try:
            self.users.stop(journal.containers)
            self.swap.run(source.charset, source.collation, source.definitions())
            self._compare_swapped(journal, source.dump)
            self.swap.commit()
        except BaseException as error:
            self._put_back(str(error))
            raise

    def _put_back(self, why: str) -> None:
        journal = self.swap.under_way()
        names = journal.containers
        try:
            self.swap.put_back()
        except (DockerError, OSError) as error:
            raise RestoreError(
                f"{why}\nPutting the former data back failed too: {error}\n{', '.join(names) or 'The project'} stays"
                " stopped, so that nothing is written to half a database. Run this playbook again"
            ) from error
        self._start(names, f"{why}\nThe former data is back")
        self.swap.end()
        if journal.beside == swap.beside_name(journal.schema):
            # Where this fails, the next restore does it.
            with contextlib.suppress(DockerError):
                self.swap.forget(journal.beside)

    def _start(self, names: Iterable[str], state: str) -> None:
        try:
            self.users.start(names)
        except DockerError as error:
            raise RestoreError(f"{state}, but {', '.join(names)} did not start; run this again: {error}") from error

    def _end(self, began: float) -> dict[str, Any]:
        journal = self.swap.under_way()
        self._start(journal.containers, f"The data is restored, and {journal.kept} has what was there before")
        seconds = round(time.monotonic() - began, 2)
        try:
            self.swap.finish()
        except DockerError as error:
            self.warnings.append(f"{journal.beside} could not be dropped: {error}")
        self.swap.end()
        if late := self.users.unhealthy(journal.containers, _HEALTHY):
            self.warnings.append(f"{', '.join(late)} is not healthy with the restored data; see docker logs {late[0]}")
        return {
            "what": journal.what,
            "schema": journal.schema,
            "tables": len(journal.new),
            "kept": journal.kept,
            "stopped": list(journal.containers),
            "stopped_seconds": seconds,
            "unhealthy": late,
            "at": _lock.now(),
        }


def restore_hint(root: str | Path, number: int) -> str:
    """Where the dump of release `number` is, and the playbook that brings it back."""
    return (
        f"The database as it was before is in {_archive(Path(root), number)}; this brings it back:\n"
        f"ansible-playbook landfall.django.restore -i inventory -e restore_release={number}"
    )


def _archive(root: Path, number: int) -> Path:
    return root / "releases" / str(number) / ARCHIVE


def _those_with_dumps(root: Path) -> str:
    found = [path.parent.name for path in (root / "releases").glob(f"*/{ARCHIVE}")]
    numbers = ", ".join(sorted(found, key=lambda name: (len(name), name)))
    return f"These have one: {numbers}" if numbers else "No release has one: only a release with migrations dumps"


def _mib(size: int) -> str:
    return f"{size >> 20} MiB"
