# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the project's own Django which database it really uses, and which migrations its code and that database have.

Private to this collection.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database import pending
from ansible_collections.landfall.django.plugins.module_utils._database.engine import Engine
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES

_MARK = "landfall-database:"
_IDENTITIES = {engine.vendor: engine.identity() for engine in ENGINES.values()}
# Run by `manage.py shell -c`. One function, since functions inside `exec` do not see each other's names. The server is
# known by its own id, whatever host name leads to it.
PROBE_CODE = f"""
def landfall():
    import json
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder
    # Django counts MariaDB as MySQL.
    vendor = 'mariadb' if getattr(connection, 'mysql_is_mariadb', False) else connection.vendor
    answer = dict(vendor=vendor, server='', schema='', migrations=[], applied=[], pending=[], changes=[])
    identity = {_IDENTITIES!r}.get(vendor)
    if identity:
        with connection.cursor() as cursor:
            cursor.execute(identity)
            answer['server'], answer['schema'] = cursor.fetchone()
    if connection.vendor != 'unknown':
        found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
        answer['migrations'] = [[m.app_label, m.name, [list(one) for one in m.replaces]] for m in found]
        answer['applied'] = [list(name) for name in MigrationRecorder(connection).applied_migrations()]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        answer['pending'] = [[m.app_label, m.name] for m, _ in plan]
        # With names of its own, which its functions see.
        names = {{'__name__': 'landfall'}}
        exec({inspect.getsource(pending)!r}, names)
        answer['changes'] = names['examine'](executor, plan)
    print({_MARK!r} + json.dumps(answer))
landfall()
"""
Name = tuple[str, str]


@dataclass(frozen=True)
class Project:
    """A Django project's default database and migrations.

    `migrations` maps each migration of the code to those that it replaces. `applied` are those that the database has,
    `pending` those that `migrate` would apply, in that order. `changes` is what pending.py says of them.
    """

    vendor: str
    server: str
    schema: str
    migrations: dict[Name, frozenset[Name]]
    applied: tuple[Name, ...] = field(default=())
    pending: tuple[Name, ...] = field(default=())
    changes: tuple[dict[str, Any], ...] = field(default=())


def parse_answer(output: str) -> Project:
    """Parse the output of PROBE_CODE. Raises ValueError where it is missing."""
    marked = [line for line in output.splitlines() if line.startswith(_MARK)]
    if not marked:
        raise ValueError("the output of manage.py shell does not name the database")
    values = json.loads(marked[-1][len(_MARK) :])
    return Project(
        vendor=values["vendor"],
        server=values["server"],
        schema=values["schema"],
        migrations={(app, name): frozenset(map(tuple, old)) for app, name, old in values["migrations"]},
        applied=tuple((app, name) for app, name in values.get("applied", ())),
        pending=tuple((app, name) for app, name in values.get("pending", ())),
        changes=tuple(values.get("changes", ())),
    )


def foreign_reason(found: Project, engine: Engine, server: str, schema: str) -> str:
    """Return why the project's database is not this schema of the stack's own server; empty where it is."""
    if found.vendor != engine.vendor:
        return f"the project uses a database of the kind {found.vendor}"
    if found.server != server:
        return "the project uses a database on another server"
    if found.schema != schema:
        return f"the project uses the schema {found.schema}, not {schema}"
    return ""


def unknown_migrations(found: Project, applied: Collection[Name], but: Collection[str] = ()) -> list[str]:
    """Return the applied migrations that this code does not know, except those in `but`."""
    known = set(found.migrations).union(*found.migrations.values())
    return [name for name in dotted_names(set(applied) - known) if name not in but]


def of_known_apps(found: Project, applied: Collection[Name]) -> list[Name]:
    """Return the applied migrations of apps that this code has: a removed app leaves its migrations in the database."""
    apps = {name[0] for name in found.migrations}
    return [name for name in applied if name[0] in apps]


def missing_migrations(found: Project, applied: Collection[Name]) -> list[str]:
    """Return the migrations of this code that are not applied."""
    done = set(applied)
    replaced = {name for name, old in found.migrations.items() if old and old <= done}
    return dotted_names(name for name in found.migrations if name not in done | replaced)


def dotted_names(names: Iterable[Name]) -> list[str]:
    """Return sorted migration names as Django prints them, such as catalogue.0002_stock."""
    return [f"{app}.{name}" for app, name in sorted(names)]
