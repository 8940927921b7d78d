# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import replacement
from ansible_collections.landfall.django.plugins.module_utils._database import restore as restores
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES, by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server

from tests.unit._database.stacks import Stack, described, dumped_into

TABLES = b"""-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)
CREATE TABLE `note` (
  `id` int NOT NULL
) ENGINE=InnoDB;
INSERT INTO `note` VALUES (1,'),('),(2,'it\\'s'),(3,NULL);
INSERT INTO `note` VALUES (4,'');
CREATE TABLE `We``ird ),( name` (
  `a),(b` blob
) ENGINE=InnoDB;
INSERT INTO `We``ird ),( name` (`a),(b`) VALUES (_binary '\\\\'),(NULL);
CREATE TABLE `empty` (
  `id` int
) ENGINE=InnoDB;

-- Dump completed on 2026-11-27 13:19:14
"""
ROWS = {"note": 4, "We`ird ),( name": 2, "empty": 0}
VIEWS = b"CREATE VIEW `v` AS SELECT 1;\n-- Dump completed on 2026-11-27 13:19:15\n"
LOOK = {
    "server": "one",
    "version": "9.7.4",
    "charset": "utf8mb4",
    "collation": "utf8mb4_0900_ai_ci",
    "data_bytes": 4096,
    "tables": sorted(ROWS),
    "not_transactional": None,
    "views": ["v"],
    "broken_views": None,
    "triggers": None,
    "functions": None,
    "procedures": None,
    "events": None,
}
# A docker compose that answers from files, and fails as the file `fault` says.
_COMPOSE = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >>commands
case " $* " in
  *" printenv "*) part=schema ;;
  *" mysqldump "*" --single-transaction "*) part=tables ;;
  *" mysqldump "*) part=definitions ;;
  *) part=look; cat >>sql ;;
esac
cat "$part"
[ ! -e "$part.fault" ] || . "./$part.fault"
"""


class Compose:
    """A docker compose command that has recorded answers."""

    def __init__(self, folder):
        self.folder = folder
        self.command = [str(folder / "compose")]
        (folder / "compose").write_text(_COMPOSE)
        (folder / "compose").chmod(0o755)
        self.answer(schema=b"shop\n", tables=TABLES, definitions=VIEWS, look=json.dumps(LOOK).encode() + b"\n")

    def answer(self, **parts):
        for name, content in parts.items():
            (self.folder / name).write_bytes(content)

    def look(self, **changes):
        self.answer(look=json.dumps({**LOOK, **changes}).encode())

    def fail(self, part, how):
        (self.folder / f"{part}.fault").write_text(how)

    def dump(self, folder):
        server = Server(self.command, by_name("mysql"))
        return dump(server, folder, server.schema())

    @property
    def commands(self):
        return (self.folder / "commands").read_text()


@pytest.fixture
def compose(tmp_path):
    folder = tmp_path / "compose"
    folder.mkdir()
    return Compose(folder)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "releases" / "8"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def dumped(compose, folder):
    return compose.dump(folder)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(params=ENGINES.values(), ids=lambda engine: engine.name)
def engine(request):
    """One after the other: they empty a schema in different ways."""
    return request.param


@pytest.fixture
def stack(tmp_path, monkeypatch, engine):
    monkeypatch.setattr(restores, "verify", described)
    monkeypatch.setattr(replacement, "verify", described)
    monkeypatch.setattr(replacement, "dump_schema", dumped_into)
    return Stack(tmp_path, engine)
