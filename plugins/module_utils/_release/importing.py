# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import the dump of an existing site into the stack's empty database, as a part of the first release.

The record says what is imported before it is. A release that fails empties the database again, unless its new web was
healthy and work may have been written. What a killed release has left there, the next one removes first. Private to
this collection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.archive import digest
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.foreign import (
    Foreign,
    ForeignDump,
    ForeignError,
)
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release import database, ledger
from ansible_collections.landfall.django.plugins.module_utils._release.hints import error_line
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import IMPORTING, Journal, Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo

_NAME = "stack_database_import"
_START_AGAIN = "To start again with an empty database, run landfall.django.remove with remove_data=true, and deploy"


@dataclass(frozen=True)
class _Data:
    """What is about to be in the database, and what an empty one has."""

    schema: str
    charset: str
    collation: str


class DatabaseImport:
    """The import of the file `path` on this host; of none where it is empty."""

    def __init__(self, site: Site, stack_ledger: Ledger, path: str = ""):
        self.site = site
        self.ledger = stack_ledger
        self.path = path
        self._dump: ForeignDump | None = None
        self._found: Foreign | None = None

    def is_due(self) -> bool:
        """Return whether the file is to be imported. Raises ReleaseError where it must not be.

        A file that was imported is not needed any more.
        """
        if not self.path:
            return False
        if not self.site.database:
            raise ReleaseError(f"{_NAME}: the stack has no database server: choose one in stack_database")
        if self.site.database_external:
            raise ReleaseError(
                f"{_NAME}: a release does not fill an external database: load the dump there with its own client, and"
                f" remove {_NAME}"
            )
        records = self.ledger.read()
        done = next((record for record in reversed(records) if record.import_is_final), None)
        if done:
            self._refuse_another_file(done)
            return False
        serving = ledger.serving(records)
        if serving:
            raise ReleaseError(
                f"{_NAME}: a dump is imported before the first release only, and release {serving.release} serves with"
                f" data of its own. Remove {_NAME}. {_START_AGAIN}"
            )
        return True

    def _refuse_another_file(self, done: Record) -> None:
        former, file = done.imported, Path(self.path)
        is_same = self.path == former["file"] and (
            not file.exists()
            or file.stat().st_mtime_ns == former["modified"]
            or digest(file) == (former["bytes"], former["sha256"])
        )
        if not is_same:
            raise ReleaseError(
                f"{_NAME}: release {done.release} has imported {former['file']}, and {self.path} is another dump, which"
                f" would be loaded over it. Remove {_NAME}. {_START_AGAIN}"
            )

    def examine(self, compose: Compose) -> None:
        """Read the file to its end, if it is due. Raises ReleaseError where it cannot be imported."""
        if not self.is_due():
            return
        engine = by_name(self.site.database)
        self._dump = ForeignDump(Path(self.path), engine, compose.image(SERVICE))
        try:
            self._found = self._dump.examine()
        except (ForeignError, OSError) as error:
            raise ReleaseError(f"{_NAME}: {error}. Nothing was changed") from error
        if missing := sorted(self._found.extensions - {"plpgsql", *self.site.database_extensions}):
            raise ReleaseError(
                f"stack_database_extensions: {self.path} needs {', '.join(missing)}: add what is missing there. Nothing"
                " was changed"
            )

    def clear_left_over(self, compose: Compose) -> None:
        """Empty the database where a killed release has left a part of an import."""
        for record in self.ledger.read():
            if record.imported and not record.import_is_final and record.is_over:
                kept = record.imported
                data = _Data(kept["schema"], kept["charset"], kept["collation"])
                journal = Journal(self.ledger.folder(record.release), record)
                self._empty(database.server_of(self.site, compose), data, journal)

    def run(self, compose: Compose, journal: Journal, undo: Undo) -> None:
        """Import what `examine` has read, if anything. Raises ReleaseError; `undo` has the way back."""
        dump, found = self._dump, self._found
        if not dump or not found:
            return
        server = database.server_of(self.site, compose)
        schema = server.schema()
        there = server.contents(schema)
        if there.tables:
            raise ReleaseError(
                f"{_NAME}: the database {schema} has tables already ({len(there.tables)}), and nothing is loaded over"
                f" them. Remove {_NAME} to go on with them. {_START_AGAIN}"
            )
        data = _Data(schema, there.charset, there.collation)
        journal.record.imported = {
            "file": self.path,
            "sha256": found.sha256,
            "bytes": found.bytes,
            "modified": Path(self.path).stat().st_mtime_ns,
            "tables": len(found.rows),
            **asdict(data),
        }
        journal.enter(IMPORTING)
        undo.add("empty the database again", self._undo, server, data, journal)
        with journal.step(f"import {Path(self.path).name}"):
            self._load(server, journal.record, dump, found)

    def _load(self, server: Server, record: Record, dump: ForeignDump, found: Foreign) -> None:
        try:
            loaded = dump.load(server, record.imported["schema"], found)
        except ForeignError as error:
            raise ReleaseError(f"{_NAME}: {error}") from error
        except DockerError as error:
            raise ReleaseError(
                f"{_NAME}: {self.path} could not be loaded: {error_line(str(error))}. The file is as it was"
            ) from error
        record.imported.update(rows=loaded.rows, converted=loaded.converted)
        if loaded.converted:
            record.warnings.append(
                f"the texts of {self.path} were converted to {record.imported['collation']} or its binary and"
                f" case-sensitive relatives, from {', '.join(loaded.converted)}"
            )

    def commit(self, journal: Journal) -> None:
        """Keep the imported data, whatever becomes of the release: work may be written to it from here on."""
        if journal.record.imported:
            journal.record.import_is_final = True
            journal.save()

    def _undo(self, server: Server, data: _Data, journal: Journal) -> None:
        if not journal.record.import_is_final:
            self._empty(server, data, journal)

    @staticmethod
    def _empty(server: Server, data: _Data, journal: Journal) -> None:
        server.kill_interrupted_load()
        server.empty(data.schema, data.charset, data.collation)
        journal.record.imported = {}
        journal.save()
