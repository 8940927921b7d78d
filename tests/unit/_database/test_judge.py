# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.judge import (
    BREAKS,
    FAILED,
    LOCKS_TABLE,
    UNKNOWN,
    judge,
)

LOCKS = LOCKS_TABLE
POSTGRESQL, MYSQL, SQLITE = "postgresql", "mysql", "sqlite"
COLUMN = {
    "type": "integer",
    "collation": None,
    "check": False,
    "null": True,
    "default": "",
    "generated": "",
    "index": False,
    "unique": False,
    "foreign key": False,
}


def change(what, **values):
    origin = {"migration": "shop.0002", "operation": "AnOperation", "online": False}
    return {"change": what, **origin, "table": "shop_book", "column": "pages", "name": "by_pages", **values}


def added(**values):
    return change("add column", new={**COLUMN, **values})


def altered(old=(), new=(), known=True):
    return change("alter column", old={**COLUMN, **dict(old)}, new={**COLUMN, **dict(new)}, known=known)


def retyped(old, new):
    return altered({"type": old}, {"type": new})


def kinds(one, vendor):
    return [found.kind for found in judge([one], vendor)]


@pytest.mark.parametrize("vendor", [POSTGRESQL, MYSQL, SQLITE, "oracle"])
@pytest.mark.parametrize(
    ("one", "words"),
    [
        (change("drop table"), ["shop_book", "SeparateDatabaseAndState"]),
        (change("drop column"), ["shop_book.pages", "SeparateDatabaseAndState"]),
        (change("rename table"), ["shop_book", "db_table"]),
        (change("rename column"), ["shop_book.pages", "db_column"]),
        (added(null=False), ["shop_book.pages", "db_default", "null=True"]),
        (altered({}, {"null": False}), ["shop_book.pages", "NOT NULL"]),
        (altered({}, {"null": False}, known=False), ["shop_book.pages", "db_default"]),
    ],
)
def test_what_breaks_the_code_in_service_on_every_database(one, words, vendor):
    (found,) = judge([one], vendor)
    assert (found.kind, found.migration) == (BREAKS, "shop.0002")
    for word in ["shop.0002", "AnOperation", *words]:
        assert word in str(found)


@pytest.mark.parametrize("vendor", [POSTGRESQL, MYSQL, SQLITE])
@pytest.mark.parametrize(
    "one",
    [
        added(),
        added(null=False, default="value"),
        added(null=False, generated="virtual"),
        altered({"null": False}, {}),
        altered({}, {"default": "value"}),
        altered({}, {"null": False, "default": "value"}, known=False),
        change("add index", online=True),
        change("add check", online=True),
        change("add other"),
    ],
)
def test_what_does_no_harm_on_any_database(one, vendor):
    assert judge([one], vendor) == []


@pytest.mark.parametrize(
    ("one", "postgresql", "mysql", "cure"),
    [
        (change("add index"), [LOCKS], [], "AddIndexConcurrently"),
        (change("add unique"), [LOCKS], [], "CONCURRENTLY"),
        (change("add exclusion"), [LOCKS], [], "few"),
        (change("add check"), [LOCKS], [LOCKS], ""),
        (added(index=True), [LOCKS], [], "AddIndexConcurrently"),
        (added(unique=True), [LOCKS], [], "CONCURRENTLY"),
        (added(**{"foreign key": True}), [], [LOCKS], "db_constraint=False"),
        (added(**{"foreign key": True, "index": True}), [LOCKS], [LOCKS], "=False"),
        (added(check=True), [], [LOCKS], "few"),
        (added(null=False, default="expression"), [], [LOCKS], "null=True"),
        (added(generated="stored"), [LOCKS], [LOCKS], "few"),
        (altered({}, {"index": True}), [LOCKS], [], "AddIndexConcurrently"),
        (altered({"index": True}, {"unique": True}), [LOCKS], [], "CONCURRENTLY"),
        (altered({"unique": True}, {"index": True}), [], [], ""),
        (altered({}, {"check": True}), [LOCKS], [LOCKS], "few"),
        (altered({}, {"foreign key": True}), [LOCKS], [LOCKS], "db_constraint=False"),
        (altered({"foreign key": True}, {}), [], [], ""),
        (altered({}, {"collation": "de_DE"}), [LOCKS], [LOCKS], "another column"),
        (retyped("integer", "bigint"), [LOCKS], [LOCKS], "another column"),
        (retyped("varchar(20)", "varchar(60)"), [], [], ""),
        # MySQL needs a second byte for the length.
        (retyped("varchar(20)", "varchar(64)"), [], [LOCKS], "another column"),
        (retyped("varchar(64)", "varchar(200)"), [], [], ""),
        (retyped("varchar(20)", "varchar(10)"), [BREAKS, LOCKS], [BREAKS, LOCKS], ""),
        (retyped("text", "varchar(10)"), [BREAKS, LOCKS], [BREAKS, LOCKS], ""),
        (retyped("varchar(20)", "text"), [], [LOCKS], "another column"),
        (retyped("numeric(5, 2)", "numeric(9, 2)"), [], [LOCKS], "another column"),
        (retyped("numeric(5, 2)", "numeric(9, 3)"), [LOCKS], [LOCKS], "another column"),
        (retyped("numeric(5, 2)", "numeric(4, 2)"), [LOCKS], [LOCKS], "another column"),
    ],
)
def test_what_locks_a_table_for_long(one, postgresql, mysql, cure):
    assert kinds(one, POSTGRESQL) == postgresql
    assert kinds(one, MYSQL) == mysql
    for vendor in (POSTGRESQL, MYSQL):
        for found in judge([one], vendor):
            assert "shop_book" in found.text
            assert cure in found.text
    # Nobody knows the others well enough, and SQLite has one lock for everything.
    assert LOCKS not in kinds(one, SQLITE)


def test_what_cannot_be_judged_is_named_once():
    opaque = {"change": "opaque", "migration": "shop.0002", "operation": "RunSQL", "online": False}
    (found,) = judge([opaque, opaque], POSTGRESQL)
    assert found.kind == UNKNOWN
    assert "RunSQL" in str(found)


def test_an_error_of_the_project_is_a_finding():
    error = {"change": "error", "migration": "shop.0002", "operation": "KeyError"}
    (found,) = judge([error], MYSQL)
    assert found.kind == FAILED
    assert "KeyError" in str(found)
