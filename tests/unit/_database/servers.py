# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database server and the containers around it, in memory, in which any command can fail or be the last one."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from ansible_collections.landfall.django.plugins.module_utils._database.mysql import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

_NAME = r"`((?:[^`]|``)+)`"
_DROP = re.compile(rf"DROP (EVENT|TRIGGER|VIEW|FUNCTION|PROCEDURE) IF EXISTS {_NAME}\.{_NAME}")
_DROP_TABLE = re.compile(rf"DROP TABLE IF EXISTS {_NAME}\.{_NAME}")
_ON = re.compile(rf"(CREATE|ALTER) DATABASE {_NAME} CHARACTER SET (\w+) COLLATE (\w+)")
_GONE = re.compile(rf"DROP DATABASE IF EXISTS {_NAME}")
_KINDS = {"EVENT": "events", "TRIGGER": "triggers", "VIEW": "views", "FUNCTION": "functions", "PROCEDURE": "procedures"}


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

    def __init__(self, schemas, faults):
        self.schemas_there = schemas
        self.faults = faults
        self.id = "one"
        self.free = 1 << 40
        self.loses = 0
        self.asked = []

    def schema(self):
        with self.faults():
            return "shop"

    def free_bytes(self):
        return self.free

    def contents(self, name):
        with self.faults():
            there = self.schemas_there.get(name, Schema(charset=""))
        kinds = {kind: tuple(sorted(n for k, n in there.definitions if k == kind)) for kind in _KINDS.values()}
        return SchemaContents(
            self.id, "9.7", there.charset, f"{there.charset}_bin", 1, tuple(sorted(there.tables)), **kinds
        )

    def count_rows(self, name, tables):
        with self.faults():
            return {table: self.schemas_there[name].tables[table] for table in tables}

    def kill_interrupted_load(self):
        with self.faults():
            pass

    def applied_migrations(self, name, tables):
        return []

    def largest_packets(self):
        return contextlib.nullcontext()

    def load(self, name, blocks):
        """A made-up language: a line for each table and its rows, or for what has none."""
        target = self.schemas_there[name]
        with self.faults():
            for line in b"".join(blocks).decode().splitlines():
                kind, _, value = line.partition(" ")
                if kind == "table":
                    table, rows = value.split()
                    assert table not in target.tables
                    target.tables[table] = int(rows) - self.loses
                else:
                    target.definitions.add((kind, value))

    def query(self, sql):
        self.asked.append(sql)
        with self.faults():
            for statement in filter(None, sql.split(";\n")):
                self._run(statement)
        return ""

    def _run(self, sql):
        there = self.schemas_there
        if made := _ON.match(sql):
            assert (made[2] in there) == (made[1] == "ALTER")
            there.setdefault(made[2], Schema()).charset = made[3]
        elif gone := _GONE.match(sql):
            there.pop(gone[1], None)
        elif drop := _DROP.match(sql):
            there[drop[2]].definitions.discard((_KINDS[drop[1]], drop[3]))
        elif table := _DROP_TABLE.match(sql):
            del there[table[1]].tables[table[2]]
        else:
            assert sql.startswith(("LOCK TABLES ", "UNLOCK TABLES", "SET SESSION ")), sql


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
