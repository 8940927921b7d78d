# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put the tables of a schema beside into the place of the live ones, and keep these; or put everything back.

What is about to be done is on the disk before it is done. So a swap that was killed is put back by the next run, from
wherever it was: the tables move in one statement, and all that has no rows can be made again from a file.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database import mysql
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError

FOLDER = "restore"
BEGUN, SWAPPING, SWAPPED = "begun", "swapping", "swapped"
_FORMAT = 1
_LONGEST = 64  # characters of a schema's name
_BESIDE = "_restoring"


@dataclass(frozen=True)
class Journal:
    """A swap that is under way: how far it is, the schemas, their tables, and the containers that wait for its end."""

    state: str
    server: str
    schema: str
    beside: str
    kept: str
    was: tuple[str, ...]
    new: tuple[str, ...]
    charset: str
    collation: str
    containers: tuple[str, ...]
    what: str


class Swap:
    """The swaps of a stack, whose files lie in the folder `restore` of `root`."""

    def __init__(self, root: Path, server: Server):
        self.folder = root / FOLDER
        self.file = self.folder / "journal.json"
        self.server = server

    def read(self) -> Journal | None:
        """The swap that was interrupted, or None. Raises ValueError where a newer version has written it."""
        if not self.file.exists():
            return None
        values = json.loads(self.file.read_text())
        if values.pop("format") != _FORMAT:
            raise ValueError(f"{self.file} was written by a newer landfall.django: run that one")
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return Journal(**{**values, **lists})

    def begin(self, schema: str, beside: str, containers: Iterable[str], what: str) -> Journal:
        """Write down what is about to happen, before anything does."""
        live = self.server.look(schema)
        journal = Journal(
            state=BEGUN,
            server=live.server,
            schema=schema,
            beside=beside,
            kept=kept_name(schema, self.server.schemas()),
            was=live.tables,
            new=self.server.look(beside).tables,
            charset=live.charset,
            collation=live.collation,
            containers=tuple(containers),
            what=what,
        )
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return self._write(journal)

    def run(self, charset: str, collation: str, definitions: Iterable[bytes]) -> None:
        """Swap. Nothing may use the database meanwhile."""
        journal = self.under_way()
        live = self.server.look(journal.schema)
        self._check_unused(journal.schema, live.tables)
        # Until its containers had ended, the project might still have made a table.
        journal = replace(journal, was=live.tables, state=SWAPPING)
        _write(self.definitions_file(journal.kept), self.server.definitions(journal.schema, live))
        self._write(journal)
        self.server.ask(
            mysql.create(journal.kept, journal.charset, journal.collation)
            + mysql.drop_definitions(journal.schema, live)
            + mysql.move((journal.schema, journal.kept, journal.was), (journal.beside, journal.schema, journal.new))
            + mysql.alter(journal.schema, charset, collation)
        )
        self.server.load(journal.schema, definitions)

    def _check_unused(self, schema: str, tables: Collection[str]) -> None:
        # While there is nothing to put back, which would wait for the same connection.
        try:
            self.server.ask(mysql.lock(schema, tables))
        except DockerError as error:
            raise DockerError(
                f"the tables of {schema} are in use, though the project is stopped: end what else is connected, such as"
                f" a mysql shell or a backup (SHOW PROCESSLIST names it). {error}"
            ) from error

    def commit(self) -> None:
        """What was beside is the live data from here on."""
        self._write(replace(self.under_way(), state=SWAPPED))

    def put_back(self) -> None:
        """Make the live schema what it was, from wherever the swap is."""
        journal = self.under_way()
        # A database that was made again since has none of it.
        if journal.state == SWAPPING and self.server.look(journal.schema).server == journal.server:
            self._move_back(journal)
            # From here on a way back that is interrupted begins with nothing to move.
            self._write(replace(journal, state=BEGUN))
        # No server that is down keeps the project stopped once its data is whole.
        with contextlib.suppress(DockerError):
            self._forget_empty(journal.kept)

    def _move_back(self, journal: Journal) -> None:
        live, kept = self.server.look(journal.schema), self.server.look(journal.kept).tables
        # A live table is one of the new ones if the former of its name has been moved away, or if there was none.
        new = [name for name in live.tables if name in journal.new and (name in kept or name not in journal.was)]
        self.server.ask(
            mysql.drop_definitions(journal.schema, live)
            + mysql.move((journal.schema, journal.beside, new), (journal.kept, journal.schema, kept))
            + mysql.alter(journal.schema, journal.charset, journal.collation)
        )
        self.server.load(journal.schema, blocks(self.definitions_file(journal.kept)))
        if lost := set(journal.was) - set(self.server.look(journal.schema).tables):
            raise DockerError(f"{journal.schema} lacks tables that it had: {', '.join(sorted(lost))}")

    def finish(self) -> None:
        """Remove the schema that is empty now, with its file if it was one that had been kept."""
        self._forget_empty(self.under_way().beside)

    def _forget_empty(self, schema: str) -> None:
        if not self.server.look(schema).tables:
            self.forget(schema)

    def under_way(self) -> Journal:
        """The swap that was begun."""
        journal = self.read()
        if not journal:
            raise DockerError(f"{self.file} is gone")
        return journal

    def end(self) -> None:
        """Nothing is under way any more."""
        self.file.unlink(missing_ok=True)

    def forget(self, schema: str) -> None:
        """Drop a schema beside, and the file with what it had that has no rows."""
        self.server.ask(mysql.drop(schema))
        self.definitions_file(schema).unlink(missing_ok=True)

    def definitions_file(self, schema: str) -> Path:
        """What a kept schema had that has no rows."""
        return self.folder / f"{schema.replace('/', '%2F')}.sql"

    def _write(self, journal: Journal) -> Journal:
        _write(self.file, (json.dumps({"format": _FORMAT, **asdict(journal)}, indent=2) + "\n").encode())
        return journal


def unfinished(root: Path) -> str:
    """Why nothing may be deployed now: a restore that was interrupted. Empty where there is none."""
    if not (root / FOLDER / "journal.json").exists():
        return ""
    return (
        f"a restore was interrupted ({root / FOLDER / 'journal.json'}), so the database may be between two states:"
        " run the playbook landfall.django.restore again, which puts that in order first"
    )


def beside_name(schema: str) -> str:
    """Where an archive is loaded."""
    return schema[: _LONGEST - len(_BESIDE)] + _BESIDE


def kept_name(schema: str, taken: Collection[str] = ()) -> str:
    """Where the live data goes: never a schema that is there, whose tables would be taken for the live ones."""
    moment = datetime.now(timezone.utc)
    while (name := _kept_name(schema, f"{moment:%Y%m%d%H%M%S}")) in taken:
        moment += timedelta(seconds=1)
    return name


def _kept_name(schema: str, moment: str) -> str:
    ending = f"_before_restore_{moment}"
    return schema[: _LONGEST - len(ending)] + ending


def kept(schema: str, schemas: Iterable[str]) -> list[str]:
    """Those of the schemas that a restore has kept, the newest last."""
    begin = _kept_name(schema, "0" * 14)[:-14]
    return sorted(name for name in schemas if re.fullmatch(re.escape(begin) + r"\d{14}", name))


def _write(path: Path, content: bytes) -> None:
    candidate = path.with_name(f".{path.name}.new")
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(candidate, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def blocks(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block
