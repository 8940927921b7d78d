# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the variables of a stack's database and of Redis.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, ENGINES

Values = Mapping[str, Any]

EXTERNAL = "external"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
# MySQL takes users of 32 characters, and the second login of a rotation adds two.
_LONGEST_NAME = 30


def problems_of(values: Values) -> Iterator[str]:
    """Return everything that is wrong with these variables."""
    kind = values.get("stack_database", DEFAULT)
    secrets = ["stack_redis_password"] if values.get("stack_redis", True) else []
    if kind in ENGINES:
        secrets += ["stack_database_password", "stack_database_root_password"]
        yield from _own(values, kind)
    elif kind == EXTERNAL:
        yield from _external(values)
    # The images paste these into SQL and URLs as they are. An external server may have what it likes.
    for name in sorted(secrets):
        if values.get(name) and not _PLAIN.fullmatch(values[name]):
            yield (
                f"{name}: it holds characters that the image cannot take: use letters, digits, _ and - only, "
                "or leave it out to have one made."
            )
    yield from _extensions(values, kind)
    yield from _import(values, kind)


def _own(values: Values, kind: str) -> Iterator[str]:
    host = values.get("stack_database_host", SERVICE)
    if host not in ("", SERVICE):
        yield (
            f"stack_database_host: '{host}' is outside the stack: set stack_database to external, and"
            " stack_database_engine to the kind of that server."
        )
    for name in ("stack_database_name", "stack_database_user"):
        value = str(values.get(name) or "")
        if value and not _PLAIN.fullmatch(value):
            yield f"{name}: '{value}' is not a plain name: use letters, digits, _ and - only."
        if len(value) > _LONGEST_NAME:
            yield f"{name}: it is longer than {_LONGEST_NAME} characters: give a shorter one."
    engine = ENGINES[kind]
    for name in ("stack_database_name", "stack_database_user"):
        value = str(values.get(name) or "")
        # The owner and the second login of a rotation are named after them.
        reserved = f"{value}_".startswith(engine.reserved_prefixes)
        if reserved or (name == "stack_database_user" and value == engine.administrator):
            yield f"{name}: '{value}' belongs to the database itself: give the project its own, such as shop."


def _external(values: Values) -> Iterator[str]:
    if values.get("stack_database_host", SERVICE) in ("", SERVICE):
        yield "stack_database_host: set it to the host name of the external database, such as db.example.com."
    if not values.get("stack_database_password"):
        yield "stack_database_password: set it to the password that the external database knows."
    name = str(values.get("stack_database_name") or "")
    if name.startswith("/"):
        yield (
            f"stack_database_name: '{name}' starts with /, which libraries that read DATABASE_URL take for the path"
            " of a socket: use a database with another name."
        )


def _extensions(values: Values, kind: str) -> Iterator[str]:
    engine = ENGINES.get(kind)
    if values.get("stack_database_extensions") and not (engine and engine.create_extension("any")):
        yield (
            "stack_database_extensions: only PostgreSQL in the stack itself gets extensions: remove it, or choose"
            " PostgreSQL in stack_database."
        )


def _import(values: Values, kind: str) -> Iterator[str]:
    path = str(values.get("stack_database_import") or "")
    if not path:
        return
    if not path.startswith("/"):
        yield f"stack_database_import: '{path}' is not an absolute path: give that of a file on the host."
    if kind not in ENGINES:
        yield (
            "stack_database_import: only a database in the stack itself is filled by a release: remove it, and load the"
            " dump where the database is (see docs/databases.md)."
        )
    if values.get("stack_mode") == "development":
        yield "stack_database_import: only a release imports it: remove it, or set stack_mode to production."


def missing_import(values: Values, found: Mapping[str, Any], names: Collection[str]) -> Iterator[str]:
    """Return what is wrong where the dump is missing on a host without releases.

    `found` is what the host has of its path, `names` are the files in the stack's folder.
    """
    path = str(values.get("stack_database_import") or "")
    if path and found["existing"] != str(Path(path)) and "releases" not in names:
        yield f"stack_database_import: {path} does not exist on the host: copy the dump there, or correct the path."
