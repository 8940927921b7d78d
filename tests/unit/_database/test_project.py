# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.project import (
    PROBE_CODE,
    Project,
    foreign_reason,
    missing_migrations,
    of_known_apps,
    parse_answer,
    unknown_migrations,
)

INITIAL, NEXT, SQUASHED = ("shop", "0001_initial"), ("shop", "0002_next"), ("shop", "0001_squashed")
ANSWER = {"vendor": "mysql", "server": "one", "schema": "shop", "migrations": [["shop", "0001_initial", []]]}


def code(*names, squashed=()):
    migrations = {name: frozenset() for name in names}
    if squashed:
        migrations[SQUASHED] = frozenset(squashed)
    return Project("mysql", "one", "shop", migrations)


def test_the_question_is_python():
    compile(PROBE_CODE, "question", "exec")


def test_the_answer_is_found_among_what_else_a_project_prints():
    said = f"8 objects imported\nlandfall-database:{json.dumps(ANSWER)}\nbye\n"
    assert parse_answer(said) == Project("mysql", "one", "shop", {INITIAL: frozenset()})


@pytest.mark.parametrize("said", ["", "Traceback", "landfall-database:{"])
def test_no_answer_is_an_error(said):
    with pytest.raises(ValueError, match=r"."):
        parse_answer(said)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Project("mysql", "one", "shop", {}), ""),
        (Project("sqlite", "", "", {}), "sqlite"),
        (Project("mariadb", "one", "shop", {}), "mariadb"),
        (Project("mysql", "two", "shop", {}), "server"),
        (Project("mysql", "one", "other", {}), "other"),
    ],
)
def test_only_the_schema_of_the_stacks_own_server_is_its_own(found, word):
    why = foreign_reason(found, by_name("mysql"), "one", "shop")
    assert bool(why) == bool(word)
    assert word in why


@pytest.mark.parametrize(
    ("found", "applied", "newer", "pending"),
    [
        (code(INITIAL), [INITIAL], [], []),
        (code(INITIAL), [INITIAL, NEXT], ["shop.0002_next"], []),
        (code(INITIAL, NEXT), [INITIAL], [], ["shop.0002_next"]),
        # An app that was taken out of the project leaves its migrations behind.
        (code(INITIAL), [INITIAL, ("gone", "0001_initial")], [], []),
        # What a migration replaces is known, and counts for it.
        (code(squashed=[INITIAL, NEXT]), [INITIAL, NEXT], [], []),
        (code(squashed=[INITIAL, NEXT]), [INITIAL], [], ["shop.0001_squashed"]),
    ],
)
def test_code_and_database_are_compared_by_their_migrations(found, applied, newer, pending):
    assert unknown_migrations(found, of_known_apps(found, applied)) == newer
    assert missing_migrations(found, applied) == pending
