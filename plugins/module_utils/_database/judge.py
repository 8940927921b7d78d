# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judge the changes that pending.py lists: which break the code that serves meanwhile, which lock a table for long.

Pure functions.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_vendor
from ansible_collections.landfall.django.plugins.module_utils._database.locks import is_shorter

# UNKNOWN: an operation whose effect cannot be seen, such as RunSQL. FAILED: nobody could look at the rest.
BREAKS, LOCKS_TABLE, UNKNOWN, FAILED = "breaks", "locks", "unknown", "failed"

_LATER = (
    ", which the code in service may use. Take it out of the models only, in state_operations of"
    " SeparateDatabaseAndState, and drop it in a later release"
)
# What breaks the code in service on every database.
_BREAKING = {
    "drop table": "drops the table {table}" + _LATER,
    "drop column": "drops the column {table}.{column}" + _LATER,
    "rename table": "renames {table}, which the code in service may use. Keep its name: set db_table",
    "rename column": "renames {table}.{column}, which the code in service may use. Keep its name: set db_column",
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
    else:
        yield from ((BREAKS, text) for text in _refused_rows(change, vendor))
        # Nothing is known of other databases; SQLite has one lock for everything.
        engine = by_vendor(vendor)
        if engine and not change["online"]:
            yield from ((LOCKS_TABLE, text) for text in engine.locks(change))


def _refused_rows(change: Mapping[str, Any], vendor: str) -> Iterator[str]:
    """What the code in service may write, and the database would refuse."""
    if change["change"] == "add column":
        new = change["new"]
        if not (new["null"] or new["default"] or new["generated"]):
            yield _NO_DEFAULT
    elif change["change"] == "alter column":
        old, new, is_known = change["old"], change["new"], change["known"]
        if old["null"] and not new["null"] and (is_known or not new["default"]):
            yield _NOT_NULL if is_known else _NO_DEFAULT
        if is_known and by_vendor(vendor) and is_shorter(old["type"], new["type"]):
            yield _SHORTER
