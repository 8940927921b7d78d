# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the project's own Django which database it really uses, and which migrations its code and that database have.

Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

_MARK = "landfall-database:"
# What `manage.py shell -c` runs. All in one function: what `exec` runs does not see its own names from within another.
# The server's own id tells it from every other, whatever name leads there.
CODE = f"""
def landfall():
    import json
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder
    answer = dict(vendor=connection.vendor, server='', schema='', migrations=[], applied=[], pending=[])
    if connection.vendor == 'mysql':
        # MariaDB, which Django counts as MySQL, has no such id; and it is no server of the stack's own.
        own = "''" if getattr(connection, 'mysql_is_mariadb', False) else '@@server_uuid'
        with connection.cursor() as cursor:
            cursor.execute('SELECT ' + own + ', DATABASE()')
            answer['server'], answer['schema'] = cursor.fetchone()
    if connection.vendor != 'unknown':
        found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
        answer['migrations'] = [[m.app_label, m.name, [list(one) for one in m.replaces]] for m in found]
        answer['applied'] = [list(name) for name in MigrationRecorder(connection).applied_migrations()]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        answer['pending'] = [[m.app_label, m.name] for m, _ in plan]
    print({_MARK!r} + json.dumps(answer))
landfall()
"""
Name = tuple[str, str]


@dataclass(frozen=True)
class Project:
    """What Django said: its default database, its migrations with those that each replaces, those that the database has
    applied, and those that `migrate` would apply, in that order."""

    vendor: str
    server: str
    schema: str
    migrations: dict[Name, frozenset[Name]]
    applied: tuple[Name, ...] = field(default=())
    pending: tuple[Name, ...] = field(default=())


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
        applied=tuple((app, name) for app, name in values.get("applied", ())),
        pending=tuple((app, name) for app, name in values.get("pending", ())),
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


def unknown(found: Project, applied: Collection[Name], but: Collection[str] = ()) -> list[str]:
    """Migrations that a database has and this code does not know, but for those of `but`."""
    known = set(found.migrations).union(*found.migrations.values())
    return [name for name in named(set(applied) - known) if name not in but]


def of_its_apps(found: Project, applied: Collection[Name]) -> list[Name]:
    """Of a database's migrations those of apps that this code has: an app that was taken out leaves its own behind."""
    apps = {name[0] for name in found.migrations}
    return [name for name in applied if name[0] in apps]


def missing(found: Project, applied: Collection[Name]) -> list[str]:
    """Migrations that this code has and a database does not."""
    done = set(applied)
    replaced = {name for name, old in found.migrations.items() if old and old <= done}
    return named(name for name in found.migrations if name not in done | replaced)


def named(names: Iterable[Name]) -> list[str]:
    """Migrations as Django's messages name them, in order."""
    return [f"{app}.{name}" for app, name in sorted(names)]


def some(names: list[str], most: int = 5) -> str:
    """The first few names for a message, and how many there are beside."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
