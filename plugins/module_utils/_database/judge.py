# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judge changes of tables, as pending.py lists them: which break the code that serves meanwhile, which lock a table.

What locks was measured with MySQL 9.7 (ALGORITHM=INPLACE, LOCK=NONE), and is PostgreSQL's documentation of ALTER TABLE.
Pure functions.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# UNKNOWN: an operation whose effect cannot be seen, such as RunSQL. FAILED: nobody could look at the rest.
BREAKS, LOCKS, UNKNOWN, FAILED = "breaks", "locks", "unknown", "failed"

_LATER = (
    ", which the code in service may use. Take it out of the models only, in state_operations of"
    " SeparateDatabaseAndState, and drop it in a later release"
)
# What breaks the code in service on every database.
_BREAKING = {
    "drop table": "drops the table {table}" + _LATER,
    "drop column": "drops the column {table}.{column}" + _LATER,
    "rename table": "renames the table {table}, which the code in service may use. Keep its name: set db_table",
    "rename column": "renames the column {table}.{column}, which the code in service uses. Keep its name: set db_column",
}
_NO_DEFAULT = (
    "makes the new column {table}.{column} NOT NULL without a default in the database, so the code in service cannot"
    " insert rows. Set db_default (Django 5.0), or null=True until the next release"
)
_NOT_NULL = (
    "makes the column {table}.{column} NOT NULL, and the code in service may still write NULL. Release code that writes"
    " none before"
)
_SHORTER = (
    "shortens the column {table}.{column}, and the code in service may still write longer values. Release code that"
    " writes none before"
)

_COPIES = "copies the table {table} and blocks writes to it meanwhile"
# What a database does that has to look at each row, and one that has to write each anew.
_READS = {"postgresql": "blocks the table {table} while it reads all its rows", "mysql": _COPIES}
_REWRITES = {"postgresql": "blocks the table {table} while it writes all its rows again", "mysql": _COPIES}
_RETYPES = "changes the type of the column {table}.{column}, which "
_NEW_COLUMN = "Add another column, fill it, and drop this one in a later release"
_COMPUTES = "adds the column {table}.{column} with values that the database computes, which "
_NULL_FIRST = "Add it with null=True, and fill it in portions"
_CONCURRENTLY = "Use AddIndexConcurrently in a migration with atomic = False"
_INDEXES = "creates an index of {table}.{column}, which blocks the table {table} meanwhile"
_INDEX_APART = f"Set db_index=False in the field and name the index in Meta.indexes. {_CONCURRENTLY}"
_UNIQUE_APART = (
    "Run CREATE UNIQUE INDEX CONCURRENTLY and ADD CONSTRAINT USING INDEX as RunSQL, with this operation in its"
    " state_operations"
)
_NOT_VALID = "Use AddConstraintNotValid, and ValidateConstraint in a later migration"
_FOREIGN_KEY = "adds a foreign key to {table}.{column}, which "
_NO_CONSTRAINT = "Set db_constraint=False, or deploy when few write"
_CHECKS = "adds a check to {table}.{column}, which "
_QUIET = "Deploy when few write"
# What is added to an existing table, on PostgreSQL: effect and cure. MySQL only copies the table for a check.
_ADDED = {
    "add index": ("creates the index {name}, which blocks writes to the table {table} meanwhile", _CONCURRENTLY),
    "add unique": ("adds {name}, which blocks the table {table} while it creates an index", _UNIQUE_APART),
    "add check": (f"adds the check {{name}}, which {_READS['postgresql']}", _NOT_VALID),
    "add exclusion": ("adds {name}, which blocks the table {table} while it creates an index", _QUIET),
}

_VARCHAR = re.compile(r"varchar\((\d+)\)")
_NUMERIC = re.compile(r"numeric\((\d+), ?(\d+)\)")
# MySQL stores the length of a text in one byte where no value has more than 255 bytes, which are 63 characters.
_ONE_BYTE = 63


@dataclass(frozen=True)
class Finding:
    """What is wrong with one operation of a migration, and the safe way."""

    kind: str
    migration: str
    text: str

    def __str__(self) -> str:
        return f"{self.migration} {self.text}"


def judge(changes: Iterable[Mapping[str, Any]], vendor: str) -> list[Finding]:
    """Return what the changes do to the code in service. `vendor` is Django's word for the database."""
    found = [
        Finding(kind, change["migration"], f"({change['operation']}) {text.format(**change)}")
        for change in changes
        for kind, text in _judge(change, vendor)
    ]
    return list(dict.fromkeys(found))


def _judge(change: Mapping[str, Any], vendor: str) -> Iterator[tuple[str, str]]:
    what = change["change"]
    if what == "error":
        yield FAILED, "was raised when the operations were examined. Judge the pending migrations yourself"
    elif what == "opaque":
        yield UNKNOWN, "cannot be judged"
    elif what in _BREAKING:
        yield BREAKS, _BREAKING[what]
    elif what == "add column":
        yield from _new_column(change["new"], vendor)
    elif what == "alter column":
        yield from _altered_column(change, vendor)
    elif not change["online"]:
        yield from _addition(what, vendor)


def _new_column(new: Mapping[str, Any], vendor: str) -> Iterator[tuple[str, str]]:
    if not (new["null"] or new["default"] or new["generated"]):
        yield BREAKS, _NO_DEFAULT
    if vendor not in _READS:
        return
    if new["generated"] == "stored":
        yield LOCKS, f"{_COMPUTES}{_REWRITES[vendor]}. {_QUIET}"
    if vendor == "postgresql" and (new["index"] or new["unique"]):
        yield LOCKS, f"{_INDEXES}. {_UNIQUE_APART if new['unique'] else _INDEX_APART}"
    if vendor == "mysql":
        if new["default"] == "expression":
            yield LOCKS, f"{_COMPUTES}{_COPIES}. {_NULL_FIRST}"
        if new["foreign key"]:
            yield LOCKS, f"{_FOREIGN_KEY}{_COPIES}. {_NO_CONSTRAINT}"
        if new["check"]:
            yield LOCKS, f"{_CHECKS}{_COPIES}. {_QUIET}"


def _altered_column(change: Mapping[str, Any], vendor: str) -> Iterator[tuple[str, str]]:
    old, new = change["old"], change["new"]
    if old["null"] and not new["null"]:
        if change["known"]:
            yield BREAKS, _NOT_NULL
        elif not new["default"]:
            yield BREAKS, _NO_DEFAULT
    if vendor not in _READS:
        return
    reads = _READS[vendor]
    if change["known"] and _is_shorter(old["type"], new["type"]):
        yield BREAKS, _SHORTER
    if not _is_same_type(old, new, vendor):
        yield LOCKS, f"{_RETYPES}{_REWRITES[vendor]}. {_NEW_COLUMN}"
    elif new["check"] and not old["check"]:
        yield LOCKS, f"{_CHECKS}{reads}. {_QUIET}"
    if new["foreign key"] and not old["foreign key"]:
        yield LOCKS, f"{_FOREIGN_KEY}{reads}. {_NO_CONSTRAINT}"
    if vendor == "postgresql":
        if new["unique"] and not old["unique"]:
            yield LOCKS, f"{_INDEXES}. {_UNIQUE_APART}"
        elif new["index"] and not (old["index"] or old["unique"]):
            yield LOCKS, f"{_INDEXES}. {_INDEX_APART}"


def _addition(what: str, vendor: str) -> Iterator[tuple[str, str]]:
    if vendor == "mysql" and what == "add check":
        yield LOCKS, f"adds the check {{name}}, which {_COPIES}. {_QUIET}"
    if vendor == "postgresql" and what in _ADDED:
        effect, cure = _ADDED[what]
        yield LOCKS, f"{effect}. {cure}"


def _is_shorter(old: str, new: str) -> bool:
    before, after = _VARCHAR.fullmatch(old), _VARCHAR.fullmatch(new)
    return bool(after) and (int(after[1]) < int(before[1]) if before else old in ("text", "longtext", "varchar"))


def _is_same_type(old: Mapping[str, Any], new: Mapping[str, Any], vendor: str) -> bool:
    """Whether the database keeps the rows as they are."""
    if old["collation"] != new["collation"]:
        return False
    if old["type"] == new["type"]:
        return True
    texts = [_VARCHAR.fullmatch(one["type"]) for one in (old, new)]
    if texts[0] and texts[1]:
        before, after = int(texts[0][1]), int(texts[1][1])
        return before <= after and (vendor != "mysql" or (before <= _ONE_BYTE) == (after <= _ONE_BYTE))
    if vendor != "postgresql":
        return False
    if texts[0]:
        return new["type"] in ("text", "varchar")
    numbers = [_NUMERIC.fullmatch(one["type"]) for one in (old, new)]
    if numbers[0] and numbers[1]:
        return numbers[0][2] == numbers[1][2] and int(numbers[0][1]) <= int(numbers[1][1])
    return {old["type"], new["type"]} == {"text", "varchar"}
