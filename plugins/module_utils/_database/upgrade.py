# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give a stack's data to a server of another series: by a dump, into an empty volume.

A journal on the disk is written before anything stops, so that the run after an interrupted one knows where it is.
Until the upgrade is committed, the former data is put back; from then on the new data is final, since the project may
have written to it. The former data stays in a volume of its own. Private to this collection.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.archive import Dump, verify
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump as dump_schema
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.lock import now
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace

JOURNAL, HISTORY = "upgrade.json", "upgrades.json"
BEGUN, COMMITTED = "begun", "committed"
_FORMAT = 1
_SPARE = 512 << 20  # bytes for the files that every new server has, and some


@dataclass(frozen=True)
class Journal:
    """The upgrade in progress, or one that was done."""

    state: str
    old: str  # version of the server
    new: str
    image: str  # of the new server
    kept: str  # volume of the former data
    server: str  # id of the former server
    successor: str  # id of the new server; empty until it has the data
    containers: tuple[str, ...]  # stopped until the end
    at: str


class Upgrade:
    """Upgrades the database of the stack in `root`.

    `stop_server` removes the container of the server. `start_former` starts the one of the former version.
    """

    def __init__(
        self,
        root: Path,
        volume: Volume,
        server: Server,
        writers: Writers,
        stop_server: Callable[[], object],
        start_former: Callable[[], object],
    ):
        self.root = root
        self.file = root / JOURNAL
        self.volume = volume
        self.server = server
        self.writers = writers
        self.stop_server = stop_server
        self.start_former = start_former

    def read(self) -> Journal | None:
        """Return the journal of an upgrade in progress, or None. Raises ValueError for one of a newer version."""
        if not self.file.exists():
            return None
        values = json.loads(self.file.read_text())
        if values.pop("format") != _FORMAT:
            raise ValueError(f"{self.file} was written by a newer landfall.django: deploy with that version")
        return Journal(**{**values, "containers": tuple(values["containers"])})

    def run(self, old: str, new: str, image: str, dumps: Path, start_server: Callable[[], object]) -> Dump:
        """Stop the project, and give its data to the new server, which `start_server` starts. Return the dump.

        Raises DockerError, also where the upgrade is refused before anything stops.
        """
        schema = self.server.schema()
        self._check(schema)
        kept = self.volume.free_name(self.server.engine.versions.series(old))
        running = tuple(self.writers.running())
        journal = Journal(BEGUN, old, new, image, kept, self.server.id(), "", running, now())
        self._write(journal)
        replacement = Replacement(self.root, self.server)
        self.writers.stop(running)
        replacement.check_unused(schema)
        dump = verify(dump_schema(self.server, dumps, schema).archive, empty=True)
        self.stop_server()
        self.volume.set_aside(kept)
        start_server()
        replacement.fill(schema, dump)
        self._write(dataclasses.replace(journal, successor=self.server.id()))
        return dump

    def commit(self) -> Journal:
        """Make the new data final. Raises DockerError where the journal is missing."""
        journal = self.read()
        if not journal or not journal.successor:
            raise DockerError(f"{self.file} is missing or incomplete: something changed it during the upgrade")
        journal = dataclasses.replace(journal, state=COMMITTED)
        self._write(journal)
        self.remember(journal)
        return journal

    def remember(self, journal: Journal) -> None:
        """Write a committed upgrade into the history, once."""
        done = history(self.root)
        if journal.successor not in [entry["successor"] for entry in done]:
            replace(self.root / HISTORY, (json.dumps([*done, asdict(journal)], indent=2) + "\n").encode(), 0o600)

    def put_back(self) -> None:
        """Bring the former server back with its data, from any point before the commit."""
        journal = self.read()
        if not journal or journal.state == COMMITTED:
            return
        if self.volume.is_aside(journal.kept):
            self.stop_server()
        self.volume.put_back(journal.kept)

    def finish(self) -> None:
        """Remove the journal: nothing is in progress any more."""
        self.file.unlink(missing_ok=True)

    def _check(self, schema: str) -> None:
        if one_offs := self.writers.running_one_offs():
            raise DockerError(
                f"{', '.join(one_offs)} may be writing to the database: wait until it ends, or remove it with docker rm"
                " --force"
            )
        if others := self.server.other_schemas(schema):
            raise DockerError(
                f"the database server also has {', '.join(others)}, which an upgrade would leave behind: it moves"
                f" {schema} only. Dump and drop them first"
            )
        size = self.server.contents(schema).data_bytes
        folder = self.volume.folder()
        if folder is None:
            raise DockerError(f"the volume {self.volume.name} is missing")
        # A compressed dump is never larger than the tables.
        needs = {folder: size + size // 10 + _SPARE}
        same = folder.stat().st_dev == self.root.stat().st_dev
        needs[folder if same else self.root] = needs[folder] + size if same else size
        for place, needed in needs.items():
            if (free := shutil.disk_usage(place).free) < needed:
                raise DockerError(
                    f"the upgrade keeps the present data beside the new, and needs {needed >> 20} MiB in {place}, which"
                    f" has only {free >> 20} MiB free: free some space there"
                )

    def _write(self, journal: Journal) -> None:
        text = json.dumps({"format": _FORMAT, **asdict(journal)}, indent=2) + "\n"
        replace(self.file, text.encode(), 0o600)


def interrupted_upgrade(root: Path) -> str:
    """Return why nothing else may use the database after an interrupted upgrade; empty where there is none."""
    file = root / JOURNAL
    if not file.exists():
        return ""
    return (
        f"an upgrade of the database was interrupted ({file}): run the playbook landfall.django.deploy again, which"
        " completes it or brings the former database back first"
    )


def history(root: Path) -> list[dict[str, Any]]:
    """Return the upgrades that were done, oldest first."""
    file = root / HISTORY
    return json.loads(file.read_text()) if file.exists() else []


def same_data(root: Path, server: str) -> set[str]:
    """Return the ids of a server and of those whose data it has got by upgrades."""
    ids = {server}
    for entry in reversed(history(root)):
        if entry["successor"] in ids:
            ids.add(entry["server"])
    return ids
