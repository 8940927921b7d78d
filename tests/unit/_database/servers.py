# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database server and the containers around it, in memory, in which any command can fail or be the last one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

KINDS = ("views", "triggers", "functions", "procedures", "events")


class KilledError(BaseException):
    """The process is gone: nothing after it runs, no way back either."""


@dataclass
class Schema:
    """Tables with their rows; what has none, as pairs of kind and name; the character set."""

    tables: dict[str, int] = field(default_factory=dict)
    definitions: set[tuple[str, str]] = field(default_factory=set)
    charset: str = "utf8mb4"


class Faults:
    """Counts commands, and makes the one of that number fail or end the process, before it works or after."""

    def __init__(self, at=0, how="", killed=False):
        self.at, self.how, self.killed = at, how, killed
        self.count = 0
        self.dead = False

    @contextlib.contextmanager
    def __call__(self):
        if self.dead:
            raise KilledError
        self.count += 1
        if self.count == self.at and self.how == "before":
            self._strike()
        yield
        if self.count == self.at and self.how == "after":
            self._strike()

    def _strike(self):
        self.dead = self.killed
        raise KilledError if self.killed else DockerError("it failed")


class Server:
    """What landfall.django's Server does, on schemas in memory."""

    def __init__(self, schemas, faults, engine):
        self.schemas_there = schemas
        self.faults = faults
        self.engine = engine
        self.server = "one"
        self.free = 1 << 40
        self.loses = 0
        self.is_used = False
        self.changed = []  # the schemas

    def schema(self):
        with self.faults():
            return "shop"

    def id(self):
        with self.faults():
            return self.server

    def identity(self, _name):
        return self.server

    def free_bytes(self):
        return self.free

    def contents(self, name):
        with self.faults():
            if self.engine.recreates_schemas and name not in self.schemas_there:
                raise DockerError("it does not exist")
            there = self.schemas_there.get(name, Schema(charset=""))
        kinds = {kind: tuple(sorted(n for k, n in there.definitions if k == kind)) for kind in KINDS}
        collation = f"{there.charset}_bin"
        tables = tuple(sorted(there.tables))
        return SchemaContents(self.server, "9.7", there.charset, collation, 1, tables, definitions=kinds)

    def count_rows(self, name, tables):
        with self.faults():
            return {table: self.schemas_there[name].tables[table] for table in tables}

    def kill_interrupted_load(self):
        with self.faults():
            pass

    def applied_migrations(self, name, tables):
        return []

    def largest_rows(self):
        return contextlib.nullcontext()

    def load(self, name, blocks):
        """A made-up language: a line for each table and its rows, or for what has none."""
        target = self.schemas_there[name]
        self.changed.append(name)
        with self.faults():
            for line in b"".join(blocks).decode().splitlines():
                kind, _, value = line.partition(" ")
                if kind == "table":
                    table, rows = value.split()
                    assert table not in target.tables
                    target.tables[table] = int(rows) - self.loses
                else:
                    target.definitions.add((kind, value))

    def drop(self, name):
        self.changed.append(name)
        with self.faults():
            self.schemas_there.pop(name, None)

    def create(self, name, charset, _collation):
        self.drop(name)
        with self.faults():
            self.schemas_there[name] = Schema(charset=charset)

    def empty(self, name, charset, collation):
        if self.engine.recreates_schemas:
            self.create(name, charset, collation)
            return
        self.contents(name)
        self.changed.append(name)
        with self.faults():
            there = self.schemas_there[name]
            there.tables.clear()
            there.definitions.clear()
            there.charset = charset

    def refuse_connections(self, _name):
        with self.faults():
            if self.is_used:
                raise DockerError("lock wait timeout")


class Writers:
    """The containers that use the database."""

    def __init__(self, up, faults):
        self.up, self.faults = up, faults
        self.once = []
        self.late = []

    def running(self):
        return sorted(self.up)

    def running_one_offs(self):
        return self.once

    def stop(self, names):
        with self.faults():
            self.up -= set(names)

    def start(self, names):
        with self.faults():
            self.up |= set(names)

    def unhealthy(self, names, timeout):
        return self.late
