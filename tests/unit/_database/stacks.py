# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack with a dump, on the database server in memory."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json

from ansible_collections.landfall.django.plugins.module_utils._database.archive import Dump
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore

from tests.unit._database.servers import Faults, Schema, Server, Writers

LIVE = Schema(
    tables={"note": 7, "half": 0, "both": 3},
    definitions={("triggers", "t"), ("views", "v"), ("events", "tick")},
    charset="latin1",
)
DUMPED = Schema(tables={"note": 5, "both": 2}, definitions={("triggers", "t"), ("functions", "f")})
UP = {"shop-web-1", "shop-celery-1"}
KINDS = ("views", "triggers", "functions", "procedures", "events")


def write(folder, holds, /, **changes):
    """A dump of a schema, in the language of the server in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = gzip.compress("".join(f"table {name} {rows}\n" for name, rows in holds.tables.items()).encode())
    content = tables + gzip.compress("".join(f"{kind} {name}\n" for kind, name in holds.definitions).encode())
    said = {
        "engine": "mysql",
        "sha256": hashlib.sha256(content).hexdigest(),
        "archive_bytes": len(content),
        "definitions_at": len(tables),
        "server": "one",
        "version": "9.7",
        "schema": "shop",
        "charset": holds.charset,
        "collation": f"{holds.charset}_bin",
        "data_bytes": 1000,
        "sql_bytes": 1000,
        "at": "2026-11-27T13:19:14+00:00",
        "tables": holds.tables,
        "definitions": {kind: sorted(name for one, name in holds.definitions if one == kind) for kind in KINDS},
        "migrations": [["shop", "0001_initial"]],
        "warnings": [],
        **changes,
    }
    (folder / "dump.json").write_text(json.dumps({"format": 1, **said}))
    (folder / "dump.sql.gz").write_bytes(content)
    return described(folder / "dump.sql.gz")


def described(archive, empty=False):
    """What verify returns; the grammar of mysqldump has its own tests."""
    values = json.loads(archive.with_name("dump.json").read_text())
    values.pop("format")
    values["migrations"] = [tuple(pair) for pair in values["migrations"]]
    return Dump(archive=archive, **values)


def dumped_into(server, folder, name):
    with server.faults():
        return write(folder, server.schemas_there[name], server=server.server, engine=server.engine.name)


class Stack:
    """A stack with a dump of release 8, whose commands can be made to fail."""

    def __init__(self, root, engine):
        self.root = root
        self.engine = engine
        self.schemas = {"shop": copy.deepcopy(LIVE), "mysql": Schema()}
        self.up = set(UP)
        self.project = None
        self.visitor_problem = ""
        self.process(Faults())
        self.release()

    def release(self, number=8, **changes):
        """A release that has dumped."""
        write(self.root / "releases" / str(number), DUMPED, engine=self.engine.name, **changes)

    def process(self, faults):
        """What runs the next restore."""
        self.faults = faults
        self.server = Server(self.schemas, faults, self.engine)
        self.writers = Writers(self.up, faults)
        ask = (lambda: self.project) if self.project else None
        self.restore = Restore(self.root, self.server, self.writers, ask, lambda: self.visitor_problem)
        return self.restore

    def run(self, number=8, despite_migrations=False, elsewhere=False):
        done = self.restore.resume()
        if done:
            return done
        dump = self.restore.from_release(number, elsewhere)
        self.restore.check(dump, despite_migrations)
        return self.restore.run(dump, f"release {number}")

    @property
    def kept(self):
        return [described(self.root / "restore" / name / "dump.sql.gz").tables for name in self.restore.kept_names()]

    @property
    def is_restored(self):
        return self.schemas.get("shop") == DUMPED

    @property
    def is_untouched(self):
        return self.schemas.get("shop") == LIVE

    @property
    def is_at_rest(self):
        """Nothing is under way, nothing stopped, nothing left beside."""
        return self.up == UP and set(self.schemas) == {"shop", "mysql"} and not interrupted_restore(self.root)
