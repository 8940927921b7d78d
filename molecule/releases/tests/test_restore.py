"""A dump has everything that a MySQL database can have, and a restore brings it back. Not in the site's own schema."""

from __future__ import annotations

import gzip
import re
import subprocess

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.mysql import MySQL
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from lab.hosts import container

mysql = MySQL()
SCHEMA = "wide-one"
LARGE = 100_000
SEED = f"""
DROP DATABASE IF EXISTS `{SCHEMA}`;
CREATE DATABASE `{SCHEMA}` CHARACTER SET latin1;
USE `{SCHEMA}`;
CREATE FUNCTION next_of(x INT) RETURNS INT DETERMINISTIC RETURN x + 1;
ALTER DATABASE `{SCHEMA}` CHARACTER SET utf8mb4;
SET foreign_key_checks = 0;
CREATE TABLE hen (id INT PRIMARY KEY, egg_id INT, CONSTRAINT h FOREIGN KEY (egg_id) REFERENCES egg (id));
CREATE TABLE egg (id INT PRIMARY KEY, hen_id INT, twin_id INT,
  CONSTRAINT e FOREIGN KEY (hen_id) REFERENCES hen (id) ON DELETE CASCADE,
  CONSTRAINT t FOREIGN KEY (twin_id) REFERENCES egg (id));
INSERT INTO hen VALUES (1, 1), (2, NULL);
INSERT INTO egg VALUES (1, 2, NULL), (2, 1, 1);
SET foreign_key_checks = 1;
CREATE TABLE `We``ird Näme` (`),(` INT AUTO_INCREMENT PRIMARY KEY, words TEXT, raw LONGBLOB, face VARCHAR(9),
  bits BIT(9), document JSON, twice INT AS (CHAR_LENGTH(face) * 2) STORED, seen TIMESTAMP NULL,
  hidden INT INVISIBLE DEFAULT 4, CONSTRAINT c CHECK (bits <> 7));
INSERT INTO `We``ird Näme` (words, raw, face, bits, document, seen) VALUES
  ('it''s ),( \\\\ "q" \\r\\n; -- Dump completed', x'00ff27275c0a1a0d', '😀€', b'101', '{{"a": "),("}}', NOW()),
  (NULL, NULL, NULL, NULL, NULL, NULL), ('', '', '', b'0', '[]', '1970-01-02');
INSERT INTO `We``ird Näme` (raw) VALUES (REPEAT(x'00fe27', 1000000));
CREATE TABLE Upper (id INT);
CREATE TABLE upper (id INT);
INSERT INTO Upper VALUES (1);
CREATE TABLE `--force` (id INT) PARTITION BY HASH (id) PARTITIONS 2;
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT);
CREATE TABLE large (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20));
SET SESSION cte_max_recursion_depth = {LARGE};
INSERT INTO large (what) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {LARGE})
  SELECT CONCAT('row ),( ', i) FROM n;
DELIMITER ;;
CREATE TRIGGER one AFTER INSERT ON hen FOR EACH ROW BEGIN INSERT INTO log (what) VALUES ('a; b'); END;;
CREATE TRIGGER two AFTER INSERT ON hen FOR EACH ROW FOLLOWS one INSERT INTO log (what) VALUES ('c');;
CREATE PROCEDURE count_hens()
BEGIN
-- Dump completed on 2020-01-01
SELECT COUNT(*) FROM hen;
END;;
DELIMITER ;
CREATE VIEW b_hens AS SELECT id, next_of(id) AS next FROM hen;
CREATE VIEW a_pairs AS SELECT b_hens.next, egg.id FROM b_hens JOIN egg ON egg.id = b_hens.id;
CREATE EVENT never ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM log;
CREATE EVENT often ON SCHEDULE EVERY 1 SECOND STARTS '2037-01-01 00:00:00' DISABLE DO DELETE FROM log;
"""
CHANGE = f"""
USE `{SCHEMA}`;
DROP VIEW a_pairs; DROP VIEW b_hens; DROP TRIGGER two; DROP PROCEDURE count_hens; DROP EVENT often;
DROP TABLE `--force`;
CREATE TABLE later (id INT, hen_id INT, CONSTRAINT l FOREIGN KEY (hen_id) REFERENCES hen (id));
DELETE FROM large WHERE id % 2;
INSERT INTO hen VALUES (3, 1);
ALTER TABLE egg ADD COLUMN colour TEXT;
CREATE TRIGGER three BEFORE INSERT ON large FOR EACH ROW SET NEW.what = 'x';
CREATE VIEW lost AS SELECT id FROM later;
ALTER TABLE later DROP COLUMN id;
"""


class Wide(Server):
    """The server of the site's stack, with a schema of its own."""

    def schema(self) -> str:
        return SCHEMA


class Nobody:
    """No container uses that schema."""

    def running(self) -> list[str]:
        return []

    running_one_offs = running

    def stop(self, _names) -> None:
        """There is none."""

    start = stop

    def unhealthy(self, _names, _patience) -> list[str]:
        return []


@pytest.fixture(scope="module")
def compose(variables) -> list[str]:
    name = container(variables["inventory_hostname"])
    return ["docker", "exec", "--interactive", name, "docker", "compose", "--project-directory", "/srv/meter"]


@pytest.fixture(scope="module")
def server(compose):
    server = Wide(compose, mysql)
    server.query(SEED)
    yield server
    server.drop(SCHEMA)
    server.drop(mysql.rehearsal_schema(SCHEMA))


@pytest.fixture(scope="module")
def root(tmp_path_factory, server):
    """A stack's folder with the dump of release 8, after which everything was changed."""
    root = tmp_path_factory.mktemp("stack")
    folder = root / "releases" / "8"
    folder.mkdir(parents=True)
    dump(server, folder, SCHEMA)
    server.query(CHANGE)
    return root


def content(server, folder) -> str:
    """All there is in the schema, as SQL."""
    folder.mkdir()
    dump(server, folder, SCHEMA)
    return sql_of(folder)


def sql_of(folder) -> str:
    """What a dump contains, but for when it was made, and for the character set that its schema had then."""
    sql = gzip.decompress((folder / "dump.sql.gz").read_bytes()).decode(errors="surrogateescape")
    return re.sub(r"(?m)^(-- Dump completed on .*|ALTER DATABASE .*)$", "", sql)


def test_everything_comes_back_as_it_was_and_what_there_was_is_kept(server, root, tmp_path):
    changed = content(server, tmp_path / "changed")
    restore = Restore(root, server, Nobody(), None, lambda: "")
    done = restore.run(restore.from_release(8, elsewhere=False), "release 8")
    assert content(server, tmp_path / "restored") == sql_of(root / "releases/8")
    assert server.count_rows(SCHEMA, ["large"]) == {"large": LARGE}
    assert server.query(f"SELECT face FROM `{SCHEMA}`.`We``ird Näme` LIMIT 1;").strip() == "😀€"
    server.query(f"INSERT INTO `{SCHEMA}`.hen VALUES (9, 1);")
    assert server.count_rows(SCHEMA, ["log"]) == {"log": 2}, "both triggers work"
    restore.run(restore.from_kept(done["kept"], elsewhere=False), "what was kept")
    assert content(server, tmp_path / "back") == changed
    assert len(restore.remove_kept()) == 2


@pytest.mark.parametrize("place", ["in the first table", "in a statement", "between two statements", "in the views"])
def test_an_archive_that_is_not_whole_touches_nothing(server, root, tmp_path, place):
    archive = root / "releases/8/dump.sql.gz"
    whole = archive.read_bytes()
    at = {"in the first table": 500, "in a statement": len(whole) // 2, "in the views": len(whole) - 100}
    before = server.contents(SCHEMA)
    if place == "between two statements":
        sql = gzip.decompress(whole)
        cut = gzip.compress(sql[: sql.index(b"CREATE TABLE `large`")])
    else:
        cut = whole[: at[place]]
    archive.write_bytes(cut)
    try:
        with pytest.raises(ArchiveError, match=r"dump\.sql\.gz.* bytes"):
            Restore(root, server, Nobody(), None, lambda: "").from_release(8, elsewhere=False)
    finally:
        archive.write_bytes(whole)
    assert server.contents(SCHEMA) == before


def test_a_transaction_that_somebody_has_open_stops_a_restore_and_nothing_else(compose, server, root, monkeypatch):
    monkeypatch.setattr(MySQL, "session", MySQL.session.replace("=60", "=2"))
    command = [*compose, "exec", "-T", SERVICE, *mysql.client_command(SCHEMA)]
    shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        shell.stdin.write(b"BEGIN; SELECT COUNT(*) FROM hen;\n")
        shell.stdin.flush()
        shell.stdout.readline()
        restore = Restore(root, server, Nobody(), None, lambda: "")
        with pytest.raises(DockerError, match="SHOW PROCESSLIST"):
            restore.run(restore.from_release(8, elsewhere=False), "release 8")
    finally:
        shell.communicate()
    assert server.count_rows(SCHEMA, ["large"]) == {"large": LARGE // 2}
    assert restore.replacement.read() is None


@pytest.mark.alone
def test_a_load_whose_docker_command_was_killed_holds_nobody_up(compose, server, root, monkeypatch):
    monkeypatch.setattr(MySQL, "session", MySQL.session.replace("=60", "=5"))
    command = [*compose, "exec", "-T", SERVICE, *mysql.loader_command(SCHEMA)]
    loader = subprocess.Popen(command, stdin=subprocess.PIPE)
    loader.stdin.write(b"LOCK TABLES hen WRITE;\n" + b"-- \n" * 100_000)
    loader.stdin.flush()
    loader.kill()
    loader.wait()
    restore = Restore(root, server, Nobody(), None, lambda: "")
    restore.run(restore.from_release(8, elsewhere=False), "release 8")
    assert server.count_rows(SCHEMA, ["large"]) == {"large": LARGE}
    server.query(CHANGE)


def test_a_view_that_cannot_be_made_again_puts_everything_back(server, root, tmp_path, monkeypatch):
    before = content(server, tmp_path / "before")
    restore = Restore(root, server, Nobody(), None, lambda: "")
    chosen = restore.from_release(8, elsewhere=False)
    monkeypatch.setattr(Dump, "read_definitions", broken_for_a_release(Dump.read_definitions))
    with pytest.raises(DockerError, match="not_there"):
        restore.run(chosen, "release 8")
    assert content(server, tmp_path / "after") == before


def broken_for_a_release(read):
    """What a release has dumped cannot be made; what is put back can."""

    def definitions(dump):
        if dump.archive.parent.name == "8":
            yield b"CREATE VIEW impossible AS SELECT 1 FROM not_there;\n"
        yield from read(dump)

    return definitions
