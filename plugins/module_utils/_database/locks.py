# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which changes of a table make a database server lock it for as long as it works through the table's rows.

For MySQL this was measured with 9.7 (ALGORITHM=INPLACE, LOCK=NONE), and MariaDB is taken for the same. For PostgreSQL
it is what its documentation says of ALTER TABLE and CREATE INDEX. Pure functions of a change that pending.py lists:
each yields effect and safe way, with the names of the change's values in braces.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Change = Mapping[str, Any]

_TYPE = "changes the type of the column {table}.{column}, which "
_COMPUTED = "adds the column {table}.{column} with values that the database computes, which "
_CHECK = "adds a check to {table}.{column}, which "
_FOREIGN_KEY = "adds a foreign key to {table}.{column}, which "
_NAMED_CHECK = "adds the check {name}, which "

_QUIET = ". Deploy when few write"
_OTHER_COLUMN = ". Add another column, fill it, and drop this one in a later release"
_NULL_FIRST = ". Add it with null=True, and fill it in portions"
_NO_CONSTRAINT = ". Set db_constraint=False, or deploy when few write"

_VARCHAR = re.compile(r"varchar\((\d+)\)")
_NUMERIC = re.compile(r"numeric\((\d+), ?(\d+)\)")


def is_shorter(old: str, new: str) -> bool:
    """Whether a text of the type `old` may be too long for the type `new`."""
    before, after = _VARCHAR.fullmatch(old), _VARCHAR.fullmatch(new)
    if after is None:
        return False
    return old in ("text", "longtext", "varchar") if before is None else int(after[1]) < int(before[1])


# PostgreSQL

_READS = "blocks the table {table} while it reads all its rows"
_REWRITES = "blocks the table {table} while it writes all its rows again"
_INDEXES = "blocks the table {table} while it creates an index"
_INDEX = "creates an index of {table}.{column}, which blocks the table {table} meanwhile"
_NAMED_INDEX = "creates the index {name}, which blocks writes to the table {table} meanwhile"
_CONCURRENTLY = ". Use AddIndexConcurrently in a migration with atomic = False"
_INDEX_APART = f". Set db_index=False in the field, and name the index in Meta.indexes{_CONCURRENTLY}"
_UNIQUE_APART = (
    ". Run CREATE UNIQUE INDEX CONCURRENTLY and ADD CONSTRAINT USING INDEX as RunSQL, with this operation in its"
    " state_operations"
)
_NOT_VALID = ". Use AddConstraintNotValid, and ValidateConstraint in a later migration"
_ADDED = {
    "add index": _NAMED_INDEX + _CONCURRENTLY,
    "add unique": f"adds {{name}}, which {_INDEXES}{_UNIQUE_APART}",
    "add exclusion": f"adds {{name}}, which {_INDEXES}{_QUIET}",
    "add check": _NAMED_CHECK + _READS + _NOT_VALID,
}


def postgresql_locks(change: Change) -> Iterator[str]:
    if change["change"] in _ADDED:
        yield _ADDED[change["change"]]
    gained = _gained(change)
    if "stored" in gained:
        yield _COMPUTED + _REWRITES + _QUIET
    if "type" in gained and not _is_wider_in_postgresql(change["old"]["type"], change["new"]["type"]):
        yield _TYPE + _REWRITES + _OTHER_COLUMN
    if "collation" in gained:
        yield _TYPE + _REWRITES + _OTHER_COLUMN
    # A new column has no values to look at.
    if "old" in change and "check" in gained:
        yield _CHECK + _READS + _QUIET
    if "old" in change and "foreign key" in gained:
        yield _FOREIGN_KEY + _READS + _NO_CONSTRAINT
    if "unique" in gained:
        yield _INDEX + _UNIQUE_APART
    elif "index" in gained and not change.get("old", {}).get("unique"):
        yield _INDEX + _INDEX_APART


def _is_wider_in_postgresql(old: str, new: str) -> bool:
    before, after = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    if before and after:
        return before[2] == after[2] and int(before[1]) <= int(after[1])
    texts = [name == "text" or name.startswith("varchar") for name in (old, new)]
    return all(texts) and not is_shorter(old, new)


# MySQL and MariaDB

_COPIES = "copies the table {table} and blocks writes to it meanwhile"
# The length of a text is stored in one byte where no value has more than 255 bytes, which are 63 characters.
_ONE_BYTE = 63


def mysql_locks(change: Change) -> Iterator[str]:
    if change["change"] == "add check":
        yield _NAMED_CHECK + _COPIES + _QUIET
    gained = _gained(change)
    if "stored" in gained:
        yield _COMPUTED + _COPIES + _QUIET
    if "old" not in change and "expression" in gained:
        yield _COMPUTED + _COPIES + _NULL_FIRST
    if "type" in gained and not _is_wider_in_mysql(change["old"]["type"], change["new"]["type"]):
        yield _TYPE + _COPIES + _OTHER_COLUMN
    if "collation" in gained:
        yield _TYPE + _COPIES + _OTHER_COLUMN
    if "check" in gained:
        yield _CHECK + _COPIES + _QUIET
    if "foreign key" in gained:
        yield _FOREIGN_KEY + _COPIES + _NO_CONSTRAINT


def _is_wider_in_mysql(old: str, new: str) -> bool:
    before, after = _VARCHAR.fullmatch(old), _VARCHAR.fullmatch(new)
    if before is None or after is None:
        return False
    return int(before[1]) <= int(after[1]) and (int(before[1]) <= _ONE_BYTE) == (int(after[1]) <= _ONE_BYTE)


def _gained(change: Change) -> set[str]:
    """What a column did not have before: keys of its description, and the kind of its default or generated values."""
    new, old = change.get("new", {}), change.get("old", {})
    flags = {key for key in ("check", "foreign key", "index", "unique") if new.get(key) and not old.get(key)}
    changed = {key for key in ("type", "collation") if old and old[key] != new[key]}
    return flags | changed | {new[key] for key in ("default", "generated") if key in new and new[key] != old.get(key)}
