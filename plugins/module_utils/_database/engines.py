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


def by_name(name: str) -> Engine:
    """Return an engine. Raises ValueError for a name that stack_database does not have."""
    try:
        return ENGINES[name]
    except KeyError:
        raise ValueError(f"stack_database: '{name}' is none of {', '.join(ENGINES)}") from None
