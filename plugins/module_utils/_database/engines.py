# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The database engines by their names in stack_database.

Private to this collection.
"""

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._database.engine import Engine
from ansible_collections.landfall.django.plugins.module_utils._database.mariadb import MariaDB
from ansible_collections.landfall.django.plugins.module_utils._database.mysql import MySQL
from ansible_collections.landfall.django.plugins.module_utils._database.postgresql import PostgreSQL

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (MySQL(), MariaDB(), PostgreSQL())}
DEFAULT = "mysql"


def by_vendor(vendor: str) -> Engine | None:
    """Return the engine that Django calls so; None for a database that is none of them."""
    return next((engine for engine in ENGINES.values() if engine.vendor == vendor), None)


def by_name(name: str, external: bool = False) -> Engine:
    """Return an engine, whose server may be `external`. Raises ValueError for a name that no engine has."""
    try:
        return type(ENGINES[name])(external)
    except KeyError:
        raise ValueError(f"stack_database: '{name}' is none of {', '.join(ENGINES)}") from None
