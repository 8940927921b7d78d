# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace what a stack's schema holds by a dump, and keep a dump of what it held; or put that back.

A journal on the disk says what comes next before it happens, so that the run after an interrupted one rolls back from
any point. To replace and to roll back take the same steps: empty the schema, load a verified dump, compare.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.archive import ARCHIVE, Dump, differing, verify
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump as dump_schema
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace

FOLDER, JOURNAL = "restore", "journal.json"
BEGUN, REPLACING, REPLACED = "begun", "replacing", "replaced"
_FORMAT = 1


@dataclass(frozen=True)
class Journal:
    """The replacement that is in progress."""

    state: str
    server: str  # id of the database server
    schema: str
    kept: str  # name of the dump of the former data
    what: str  # what is restored, in words
    containers: tuple[str, ...]  # stopped until the end


class Replacement:
    """Replaces the data of a stack. Its files are in the folder `restore` of `root`."""

    def __init__(self, root: Path, server: Server):
        self.folder = root / FOLDER
        self.file = self.folder / JOURNAL
        self.server = server

    def read(self) -> Journal | None:
        """Return the journal of an interrupted replacement, or None. Raises ValueError for one of a newer version."""
        if not self.file.exists():
            return None
        values = json.loads(self.file.read_text())
        if values.pop("format") != _FORMAT:
            raise ValueError(f"{self.file} was written by a newer landfall.django: restore with that version")
        return Journal(**{**values, "containers": tuple(values["containers"])})

    def current(self) -> Journal:
        """Return the journal of the replacement in progress. Raises DockerError where it is missing."""
        journal = self.read()
        if not journal:
            raise DockerError(f"{self.file} is missing: something removed it during the restore")
        return journal

    def begin(self, schema: str, containers: Iterable[str], what: str) -> None:
        """Write the journal, before anything is changed."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        kept = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}"
        self._write(Journal(BEGUN, self.server.id(), schema, kept, what, tuple(containers)))

    def run(self, dump: Dump) -> None:
        """Dump the former data, then replace it by `dump`. Nothing else may use the database meanwhile."""
        journal = self.current()
        self.check_unused(journal.schema)
        folder = self.folder / journal.kept
        folder.mkdir(mode=0o700)
        verify(dump_schema(self.server, folder, journal.schema).archive, empty=True)
        self._write(dataclasses.replace(journal, state=REPLACING))
        self.fill(journal.schema, dump)

    def commit(self) -> None:
        """Record that the replacement is complete: from here on it is not rolled back."""
        self._write(dataclasses.replace(self.current(), state=REPLACED))

    def roll_back(self) -> bool:
        """Bring the former data back, from any point of the replacement.

        Return False where the database server was created again since. Its data and the dump of the former data then
        stay as they are.
        """
        journal = self.current()
        if journal.state == REPLACING:
            if self.server.id() != journal.server:
                return False
            self.fill(journal.schema, verify(self.archive(journal.kept), empty=True))
            # The former data is back: if this run is interrupted from here on, nothing is left to roll back.
            self._write(dataclasses.replace(journal, state=BEGUN))
        self.remove_kept(journal.kept)
        return True

    def finish(self) -> None:
        """Remove the journal: nothing is in progress any more."""
        self.file.unlink(missing_ok=True)

    def kept_names(self) -> list[str]:
        """Return the names of the dumps of former data, the newest last."""
        return sorted(path.parent.name for path in self.folder.glob(f"*/{ARCHIVE}"))

    def archive(self, name: str) -> Path:
        """Return the path of a dump of former data."""
        return self.folder / name / ARCHIVE

    def remove_kept(self, name: str) -> None:
        """Remove a dump of former data, if it exists."""
        if (self.folder / name).exists():
            shutil.rmtree(self.folder / name)

    def load(self, schema: str, dump: Dump) -> None:
        """Load the tables of a dump into an empty schema and compare the numbers of rows.

        Raises DockerError where they differ.
        """
        with self.server.largest_rows():
            self.server.load(schema, dump.read_tables())
        tables = self.server.contents(schema).tables
        rows = self.server.count_rows(schema, tables)
        if rows != dump.tables:
            differ = differing(rows, dump.tables)
            raise DockerError(f"the tables loaded into {schema} differ from the dump: {', '.join(differ)}")

    def fill(self, schema: str, dump: Dump) -> None:
        """Empty a schema, load a dump into it, and compare. Raises DockerError where they differ."""
        self.server.kill_interrupted_load()
        self.server.empty(schema, dump.charset, dump.collation)
        self.load(schema, dump)
        if dump.has_definitions:
            self.server.load(schema, dump.read_definitions())
        found = self.server.contents(schema)
        # A view whose definer is missing can be created, but not be read.
        there = {kind: set(names) for kind, names in found.definitions.items()}
        there["views"] |= set(found.broken_views)
        differ = {name for kind, names in dump.definitions.items() for name in there[kind] ^ set(names)}
        if differ:
            raise DockerError(f"the objects in {schema} differ from the dump: {', '.join(sorted(differ))}")

    def check_unused(self, schema: str) -> None:
        """Raise DockerError where anything but the project, which is stopped, uses a schema."""
        # Before anything is changed: a rollback would wait for the same connection.
        try:
            self.server.refuse_connections(schema)
        except DockerError as error:
            raise DockerError(
                f"the tables of {schema} are in use although the project is stopped: end all other connections, such as"
                f" a shell or a backup ({self.server.engine.list_connections} lists them). {error}"
            ) from error

    def _write(self, journal: Journal) -> None:
        text = json.dumps({"format": _FORMAT, **asdict(journal)}, indent=2) + "\n"
        replace(self.file, text.encode(), 0o600)


def interrupted_restore(root: Path) -> str:
    """Return why nothing may be deployed after an interrupted restore; empty where there is none."""
    file = root / FOLDER / JOURNAL
    if not file.exists():
        return ""
    return (
        f"a restore was interrupted ({file}), so the database may be half restored: run the playbook"
        " landfall.django.restore again, which completes it or rolls it back first"
    )
