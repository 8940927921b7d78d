# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace what a stack's schema holds by a dump, and keep a dump of what it held; or put that back.

What is about to be done is on the disk before it is done, so that a run which was killed is put back by the next one,
from wherever it was. Both ways are the same step: empty the schema, load a dump that was proven, compare.

Private to this collection.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database import mysql
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ARCHIVE, Dump, differing, verify
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump_from
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

FOLDER, JOURNAL = "restore", "journal.json"
BEGUN, REPLACING, REPLACED = "begun", "replacing", "replaced"
_FORMAT = 1


@dataclass(frozen=True)
class Journal:
    """A replacement that is under way: how far it is, of what, by what, and the containers that wait for its end."""

    state: str
    server: str
    schema: str
    kept: str
    what: str
    containers: tuple[str, ...]


class Replacement:
    """The replacements of a stack, whose files lie in the folder `restore` of `root`."""

    def __init__(self, root: Path, server: Server):
        self.folder = root / FOLDER
        self.file = self.folder / JOURNAL
        self.server = server

    def read(self) -> Journal | None:
        """The replacement that was interrupted, or None. Raises ValueError where a newer version has written it."""
        if not self.file.exists():
            return None
        values = json.loads(self.file.read_text())
        if values.pop("format") != _FORMAT:
            raise ValueError(f"{self.file} was written by a newer landfall.django: run that one")
        return Journal(**{**values, "containers": tuple(values["containers"])})

    def current(self) -> Journal:
        """The replacement that was begun."""
        journal = self.read()
        if not journal:
            raise DockerError(f"{self.file} is gone")
        return journal

    def begin(self, schema: str, containers: Iterable[str], what: str) -> None:
        """Write down what is about to happen, before anything does."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        kept = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}"
        self._write(Journal(BEGUN, self.server.contents(schema).server, schema, kept, what, tuple(containers)))

    def run(self, dump: Dump) -> None:
        """Keep what the schema holds, then replace it. Nothing may use the database meanwhile."""
        journal = self.current()
        self._check_unused(journal.schema)
        folder = self.folder / journal.kept
        folder.mkdir(mode=0o700)
        verify(dump_from(self.server, folder, journal.schema).archive, empty=True)
        self._write(replace(journal, state=REPLACING))
        self._fill(journal.schema, dump)

    def commit(self) -> None:
        """The dump is the live data from here on."""
        self._write(replace(self.current(), state=REPLACED))

    def roll_back(self) -> bool:
        """Make the schema what it was, from wherever the replacement is.

        Return whether it is. It is not where the whole database was made again since: what was kept then stays.
        """
        journal = self.current()
        if journal.state == REPLACING:
            if self.server.contents(journal.schema).server != journal.server:
                return False
            self._fill(journal.schema, verify(self.archive(journal.kept), empty=True))
            # From here on a way back that is interrupted has nothing to put back.
            self._write(replace(journal, state=BEGUN))
        self.remove_kept(journal.kept)
        return True

    def finish(self) -> None:
        """Nothing is under way any more."""
        self.file.unlink(missing_ok=True)

    def kept_names(self) -> list[str]:
        """The names of what was kept, the newest last."""
        return sorted(path.parent.name for path in self.folder.glob(f"*/{ARCHIVE}"))

    def archive(self, name: str) -> Path:
        """The dump that was kept under a name."""
        return self.folder / name / ARCHIVE

    def remove_kept(self, name: str) -> None:
        """Remove what was kept under a name."""
        if (self.folder / name).exists():
            shutil.rmtree(self.folder / name)

    def load(self, schema: str, dump: Dump) -> None:
        """Load the tables of a dump into an empty schema, and compare. Raises DockerError where they differ."""
        with self.server.largest_packets():
            self.server.load(schema, dump.read_tables())
        tables = self.server.contents(schema).tables
        rows = self.server.count_rows(schema, tables)
        if rows != dump.tables:
            differ = differing(rows, dump.tables)
            raise DockerError(f"what was loaded into {schema} is not what was dumped: {', '.join(differ)}")

    def _fill(self, schema: str, dump: Dump) -> None:
        self.server.kill_interrupted_load()
        self.server.query(
            mysql.drop_contents(schema, self.server.contents(schema))
            + mysql.alter_schema(schema, dump.charset, dump.collation)
        )
        self.load(schema, dump)
        self.server.load(schema, dump.read_definitions())
        found = self.server.contents(schema)
        # A view without its definer can be made, and not be read.
        there = {**found.definitions, "views": (*found.views, *found.broken_views)}
        differ = {name for kind, names in dump.definitions.items() for name in set(there[kind]) ^ set(names)}
        if differ:
            raise DockerError(f"{schema} is not what was dumped: {', '.join(sorted(differ))}")

    def _check_unused(self, schema: str) -> None:
        # While there is nothing to put back, which would wait for the same connection.
        try:
            self.server.query(mysql.lock_tables(schema, self.server.contents(schema).tables))
        except DockerError as error:
            raise DockerError(
                f"the tables of {schema} are in use, though the project is stopped: end what else is connected, such as"
                f" a mysql shell or a backup (SHOW PROCESSLIST names it). {error}"
            ) from error

    def _write(self, journal: Journal) -> None:
        text = json.dumps({"format": _FORMAT, **asdict(journal)}, indent=2) + "\n"
        candidate = self.file.with_name(f".{self.file.name}.new")
        with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(candidate, self.file)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def interrupted_restore(root: Path) -> str:
    """Why nothing may be deployed now: a restore that was interrupted. Empty where there is none."""
    file = root / FOLDER / JOURNAL
    if not file.exists():
        return ""
    return (
        f"a restore was interrupted ({file}), so the database may be between two states: run the playbook"
        " landfall.django.restore again, which puts that in order first"
    )
