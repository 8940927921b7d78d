# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._database.postgresql import PostgreSQL

postgresql = PostgreSQL()
DUMP = rb"""--
-- PostgreSQL database dump
--

\restrict Yr1fX9
SET statement_timeout = 0;
CREATE TABLE public.note (
    id integer NOT NULL,
    text text
);
CREATE TABLE public."We""ird ). (name" (
    id integer
);
CREATE TABLE public.year (
    id integer
)
PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE other.empty (
    id integer
);
COPY public.note (id, text) FROM stdin;
1	CREATE TABLE public.trap (
2	\N
3	-- PostgreSQL database dump complete
\.


COPY public."We""ird ). (name" (id) FROM stdin;
7
\.


--
-- PostgreSQL database dump complete
--

\unrestrict Yr1fX9

"""
ROWS = {"public.note": 3, 'public."We""ird ). (name"': 1, "other.empty": 0}
QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")


def scanned(dump):
    scanner = postgresql.scanner()
    for line in dump.splitlines(keepends=True):
        scanner.feed(line)
    return scanner


def test_each_line_between_copy_and_its_end_is_a_row():
    scanner = scanned(DUMP)
    assert scanner.rows == ROWS
    assert scanner.complete
    assert scanner.bytes == len(DUMP)


def test_a_dump_that_is_cut_is_not_complete():
    lines = DUMP.splitlines(keepends=True)
    end = next(index for index, line in enumerate(lines) if line.startswith(b"-- PostgreSQL database dump complete"))
    for count in range(end):
        assert not scanned(b"".join(lines[:count])).complete
    assert not scanned(DUMP + b"CREATE TABLE public.more (\n").complete


def test_what_the_server_says_of_a_database():
    kinds = dict.fromkeys(postgresql.definition_kinds)
    answer = {**kinds, "server": "7", "version": "18.1", "charset": "UTF8", "collation": "c C.UTF-8 C.UTF-8 "}
    lists = {"tables": ["public.b", "public.a"], "views": ["public.v"], "not_transactional": None, "broken_views": None}
    found = postgresql.parse_contents(json.dumps({**answer, **lists, "data_bytes": 8192}))
    assert (found.server, found.tables) == ("7", ("public.a", "public.b"))
    assert found.definitions["views"] == ("public.v",)
    assert found.definitions["sequences"] == ()


@pytest.mark.parametrize("name", ["shop", "it's", 'a"b', "a\\b", "größe", "; DROP TABLE x"])
def test_a_name_stays_a_name(name):
    for sql in (
        postgresql.create_schema(name, "UTF8", "c C.UTF-8 C.UTF-8 "),
        postgresql.drop_schema(name),
        postgresql.add_password(name, "old", "new"),
        postgresql.disable_login(name),
    ):
        assert not re.search(r"['\"\\]|DROP TABLE", QUOTED.sub("", sql).replace("\\gexec", ""))
    assert postgresql.client_command(name)[-1].startswith("--dbname=dbname='")


@pytest.mark.parametrize(
    ("collation", "words"),
    [
        ("c en_US.utf8 en_US.utf8 ", "LOCALE_PROVIDER libc LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8';"),
        ("i C.UTF-8 C.UTF-8 und", "LOCALE_PROVIDER icu LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ICU_LOCALE 'und';"),
        ("b C C C.UTF-8", "LOCALE_PROVIDER builtin LC_COLLATE 'C' LC_CTYPE 'C' BUILTIN_LOCALE 'C.UTF-8';"),
    ],
)
def test_a_database_is_created_again_with_its_collation(collation, words):
    sql = postgresql.empty_schema("shop", SchemaContents("", "", "", "", 0), "UTF8", collation)
    assert sql.index("DROP DATABASE") < sql.index("CREATE DATABASE")
    assert words in sql
    assert "ENCODING 'UTF8'" in sql


def test_a_session_that_loads_is_found_by_its_name():
    assert "PGAPPNAME=landfall-load" in postgresql.loader_command("shop")
    assert "'landfall-load'" in postgresql.select_loads()


def test_no_password_is_in_a_command():
    commands = [
        postgresql.client_command("shop"),
        postgresql.loader_command("shop"),
        postgresql.login_command(administrator=False, user="shop"),
    ]
    assert all("--password" not in word and "postgresql://" not in word for command in commands for word in command)


def test_a_dump_is_loaded_completely_or_not_at_all():
    assert "--single-transaction" in postgresql.loader_command("shop")


def test_a_migration_lock_that_another_release_has_is_not_waited_for():
    assert "pg_try_advisory_lock" in postgresql.take_migration_lock()


def test_nobody_but_the_owner_may_connect_to_a_new_database():
    assert 'REVOKE ALL ON DATABASE "shop" FROM PUBLIC' in postgresql.create_schema("shop", "UTF8", "c C C ")
    assert 'REVOKE ALL ON DATABASE :"schema" FROM PUBLIC' in postgresql.init_script


def test_what_a_second_login_creates_belongs_to_the_owner():
    sql = postgresql.add_password("shop_2", "old-one", "new-one")
    assert 'GRANT :"owner" TO "shop_2"' in sql
    assert "ALTER ROLE \"shop_2\" SET role = :'owner'" in sql
    assert "owner" not in postgresql.add_password("postgres", "old-one", "new-one")


def test_the_connections_of_a_login_that_is_locked_end():
    sql = postgresql.disable_login("shop_2")
    assert 'ALTER ROLE "shop_2" NOLOGIN' in sql
    assert "pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_2'" in sql


def test_the_connection_that_looks_for_others_is_not_one_of_them():
    assert "pid <> pg_backend_pid()" in postgresql.refuse_connections("shop", SchemaContents("", "", "", "", 0))


@pytest.mark.parametrize(
    ("tls", "ca_file", "options"),
    [
        ("verify-full", "/ca.pem", "?sslmode=verify-full&sslrootcert=/ca.pem"),
        ("verify-full", "", "?sslmode=verify-full&sslrootcert=system"),
        ("require", "/ca.pem", "?sslmode=require"),
        ("disable", "", "?sslmode=disable"),
    ],
)
def test_the_projects_driver_verifies_an_external_server(tls, ca_file, options):
    assert postgresql.url_options(tls, ca_file) == options
