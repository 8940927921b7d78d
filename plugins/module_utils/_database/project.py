# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask Django which database it really uses, and which migrations its code has.

Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_MARK = "landfall-database:"
# What `manage.py shell -c` runs. The server's own id tells it from every other, whatever name leads there.
CODE = f"""
import json
from django.db import connection
from django.db.migrations.loader import MigrationLoader
server = schema = ""
if connection.vendor == "mysql":
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@server_uuid, DATABASE()")
        server, schema = cursor.fetchone()
found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
print({_MARK!r} + json.dumps({{
    "vendor": connection.vendor,
    "server": server,
    "schema": schema,
    "migrations": [[m.app_label, m.name, [list(r) for r in m.replaces]] for m in found],
}}))
"""
_SHOWN = 5  # migrations in a message
Name = tuple[str, str]


@dataclass(frozen=True)
class Project:
    """What Django said: its default database, and its migrations with those that each replaces."""

    vendor: str
    server: str
    schema: str
    migrations: dict[Name, frozenset[Name]]


def project(said: str) -> Project:
    """Read what CODE printed. Raises ValueError where it is not there."""
    marked = [line for line in said.splitlines() if line.startswith(_MARK)]
    if not marked:
        raise ValueError("Django did not say which database it uses")
    values = json.loads(marked[-1][len(_MARK) :])
    return Project(
        vendor=values["vendor"],
        server=values["server"],
        schema=values["schema"],
        migrations={(app, name): frozenset(map(tuple, old)) for app, name, old in values["migrations"]},
    )


def foreign(found: Project, server: str, schema: str) -> str:
    """Why this is not the schema of the stack's own service db, or nothing."""
    if found.vendor != "mysql":
        return f"the project's database is of the kind {found.vendor}"
    if found.server != server:
        return "the project's database is on another server"
    if found.schema != schema:
        return f"the project's database is the schema {found.schema}, not {schema}"
    return ""


def unknown(found: Project, applied: Collection[Name]) -> list[str]:
    """Migrations that a database has and this code does not know, of the apps that it has."""
    known = set(found.migrations).union(*found.migrations.values())
    apps = {name[0] for name in known}
    return _named(name for name in applied if name not in known and name[0] in apps)


def missing(found: Project, applied: Collection[Name]) -> list[str]:
    """Migrations that this code has and a database does not."""
    done = set(applied)
    replaced = {name for name, old in found.migrations.items() if old and old <= done}
    return _named(name for name in found.migrations if name not in done | replaced)


def _named(names: Iterable[Name]) -> list[str]:
    named = [f"{app}.{name}" for app, name in sorted(names)]
    return named if len(named) <= _SHOWN else [*named[:_SHOWN], f"and {len(named) - _SHOWN} more"]
