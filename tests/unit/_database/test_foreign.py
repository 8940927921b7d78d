# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dump of an existing site is read to its end, and loaded."""

from __future__ import annotations

import gzip
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.foreign import ForeignDump, ForeignError
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from tests.unit._database.conftest import LOOK

MYSQL = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-8';
CREATE TABLE `note` (
  `text` varchar(100) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
INSERT INTO `note` VALUES ('a'),('b');
-- Dump completed on 2026-11-27 13:19:14
"""
POSTGRESQL = b"""--
-- PostgreSQL database dump
--
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE TABLE public.note (
    text text
);
COPY public.note (text) FROM stdin;
a
\\.
--
-- PostgreSQL database dump complete
--
"""
# A docker compose whose client keeps what it loads, and finds as many rows as the file `rows` says.
_COMPOSE = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
case " $* " in
  *" printenv "*) echo shop ;;
  *" cat "*) echo shop ;;
  *" df "*) echo Filesystem; echo "overlay 9 9 $(cat free) 1% /var/lib/mysql" ;;
  *landfall-load*) [ ! -e fault ] || { cat fault >&2; exit 1; }; cat >loaded ;;
  *) sql=$(cat); case $sql in
    *COUNT*|*count*) cat rows ;;
    *JSON_OBJECT*|*json_build_object*) cat look ;;
    *max_allowed_packet\\;*) echo 67108864 ;;
  esac ;;
esac
"""


@pytest.fixture
def dump(tmp_path):
    """Write a dump, of another name in every test."""

    def write(content, engine="mysql", name="old.sql"):
        (tmp_path / name).write_bytes(content)
        return ForeignDump(tmp_path / name, by_name(engine), "postgres:18")

    return write


@pytest.fixture
def server(tmp_path):
    (tmp_path / "compose").write_text(_COMPOSE)
    (tmp_path / "compose").chmod(0o755)
    (tmp_path / "look").write_text(json.dumps(LOOK))
    (tmp_path / "rows").write_text("2\n")
    (tmp_path / "free").write_text("9000000")
    return Server([str(tmp_path / "compose")], by_name("mysql"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_dump_is_read_to_its_end_packed_or_not(dump, pack):
    found = dump(pack(MYSQL)).examine()
    assert found.rows == {"note": 2}
    assert found.bytes == len(pack(MYSQL))
    assert len(found.sha256) == 64


def test_mariadb_takes_the_dumps_of_both(dump):
    of_mariadb = MYSQL.replace(b"-- MySQL dump", b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump")
    for content in (MYSQL, of_mariadb):
        assert dump(content, "mariadb").examine().rows == {"note": 2}
        assert dump(content, "mysql").examine().rows == {"note": 2}


def test_the_extensions_of_a_dump_are_known_before_it_is_loaded(dump):
    assert dump(POSTGRESQL, "postgresql").examine().extensions == {"citext"}


@pytest.mark.parametrize(
    ("content", "engine", "why"),
    [
        (b"", "mysql", "empty"),
        (MYSQL[:-45], "mysql", "incomplete"),
        (gzip.compress(MYSQL, mtime=0)[:-20], "mysql", "to its end"),
        (gzip.compress(MYSQL, mtime=0)[:-6] + b"wrong!", "mysql", "to its end"),
        (POSTGRESQL, "mysql", "PostgreSQL.*stack_database to postgresql"),
        (b"PGDMP\x01\x0e\x00", "mysql", "PostgreSQL.*stack_database to postgresql"),
        (MYSQL, "postgresql", "MySQL.*stack_database to mysql"),
        (gzip.compress(b"PGDMP\x01\x0e\x00", mtime=0), "postgresql", "gunzip"),
        (b"PRAGMA foreign_keys=OFF;\n", "mysql", "mysqldump"),
        (MYSQL.replace(b"CREATE", b"USE `other`;\nCREATE"), "mysql", "other"),
        (b"-- MySQL dump 10.13\n-- Dump completed on 2026-11-27\n", "mysql", "no table"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(dump, content, engine, why):
    with pytest.raises(ForeignError, match=rf"old\.sql.*{why}"):
        dump(content, engine).examine()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ForeignError, match=r"old\.sql"):
        ForeignDump(tmp_path / "old.sql", by_name("mysql"), "").examine()


@pytest.fixture
def pg_restore(tmp_path, monkeypatch):
    """A docker that unpacks: it drops the first line of what it reads."""

    def make(script):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/docker").write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/asked\n{script}\n')
        (tmp_path / "bin/docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        return tmp_path / "asked"

    return make


def test_an_archive_is_unpacked_by_the_image_without_network_and_owners(dump, pg_restore):
    asked = pg_restore("sed 1d")
    found = dump(b"PGDMP\x01\n" + POSTGRESQL, "postgresql").examine()
    assert found.rows == {"public.note": 1}
    said = asked.read_text()
    assert "--network=none" in said
    assert "postgres:18 --no-owner" in said


def test_an_archive_that_cannot_be_unpacked_names_the_image(dump, pg_restore):
    pg_restore("echo 'unsupported version (1.17) in file header' >&2; exit 1")
    with pytest.raises(ForeignError, match=r"(?s)stack_database_image.*unsupported version"):
        dump(b"PGDMP\x01\n" + POSTGRESQL, "postgresql").examine()


def test_what_is_loaded_is_rewritten_and_counted(dump, server, tmp_path):
    one = dump(gzip.compress(MYSQL))
    done = one.load(server, "shop", one.examine())
    assert done.rows == 2
    assert done.converted == ["latin1"]
    loaded = (tmp_path / "loaded").read_text()
    assert "utf8mb4_0900_ai_ci" in loaded
    assert "GTID_PURGED" not in loaded
    assert "('a'),('b')" in loaded


def test_too_little_room_is_refused_before_anything_is_loaded(dump, server, tmp_path):
    (tmp_path / "free").write_text("1000")
    one = dump(MYSQL)
    with pytest.raises(ForeignError, match="MiB free"):
        one.load(server, "shop", one.examine())
    assert not (tmp_path / "loaded").exists()


def test_what_the_client_says_is_in_the_error(dump, server, tmp_path):
    (tmp_path / "fault").write_text("ERROR 1062 (23000) at line 6: Duplicate entry 'a'\n")
    one = dump(MYSQL)
    with pytest.raises(DockerError, match="Duplicate entry"):
        one.load(server, "shop", one.examine())


def test_rows_that_did_not_arrive_are_an_error(dump, server, tmp_path):
    (tmp_path / "rows").write_text("1\n")
    one = dump(MYSQL)
    with pytest.raises(DockerError, match="note"):
        one.load(server, "shop", one.examine())


def test_postgresql_loads_it_as_the_projects_user_over_tcp():
    command = " ".join(by_name("postgresql").importer_command("shop"))
    assert "--host=127.0.0.1" in command
    assert '--username="$(cat /run/secrets/user)"' in command
    assert "--single-transaction" in command
