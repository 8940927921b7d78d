# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program makes backups on the host: completely or not at all."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tarfile

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import local
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, verify

from tests.unit._database.conftest import ROWS


def test_a_backup_has_the_database_and_the_small_files(host):
    assert host.run() == 0
    manifest = host.manifest()
    assert (manifest.stack, manifest.release, manifest.image, manifest.engine) == ("shop", 7, "shop:1", "mysql")
    assert (manifest.rows, manifest.objects["tables"], manifest.objects["views"]) == (sum(ROWS.values()), 3, 1)
    assert set(manifest.parts) == {"database/dump.sql.gz", "database/dump.json", "files.tar.gz"}
    with tarfile.open(host.root / "backups" / manifest.name / "files.tar.gz") as tar:
        names = {name.partition("shop/")[2] for name in tar.getnames()}
    assert {".env", "compose.yaml", "secrets/db/password", "releases/7/record.json"} <= names
    assert not {"releases/7/dump.sql.gz", "source", "public", "backups"} & names
    assert host.state.error == ""
    assert (host.state.name, host.state.bytes) == (manifest.name, manifest.bytes)


def test_nobody_else_reads_a_backup(host):
    host.run()
    for path in (host.root / "backups" / host.backups[-1]).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("part", ["look", "tables", "definitions"])
def test_a_failure_leaves_the_former_backups_alone(host, part):
    host.settings(keep=Keep(0, 0, 0))
    host.run()
    before = host.backups
    host.compose.fail(part, "exit 1")
    assert host.run() == 1
    assert host.backups == before
    assert "mysql" in host.state.error
    assert host.state.name == before[0]
    assert host.state.ended


def test_an_empty_database_is_no_backup(host, capsys):
    host.compose.answer(tables=b"-- MySQL dump\n-- Dump completed on 2026-11-27 13:19:14\n", definitions=b"")
    host.compose.look(tables=None, views=None)
    assert host.run() == 1
    assert "no table" in capsys.readouterr().err
    assert host.backups == []


def test_old_backups_go_only_after_a_good_one(host):
    host.settings(keep=Keep(1, 0, 0))
    host.run()
    host.run()
    assert host.backups == ["20261128T000200Z"]


def test_what_a_killed_run_left_is_removed(host):
    host.write("backups/20261127T000000Z.partial/database/dump.sql.gz", "half")
    host.write("backups/20261127T000000Z/database/dump.sql.gz", "without a manifest: half removed")
    host.run()
    assert not (host.root / "backups/20261127T000000Z.partial").exists()
    assert host.state.name == "20261128T000100Z"


def test_no_backup_begins_while_a_restore_is_half_done(host, capsys):
    host.write("restore/journal.json", json.dumps(JOURNAL))
    assert host.run() == 1
    assert "landfall.django.restore" in capsys.readouterr().err
    assert host.backups == []


JOURNAL = {
    "format": 1,
    "state": "replacing",
    "server": "one",
    "schema": "shop",
    "kept": "k",
    "what": "w",
    "containers": [],
}


def test_a_full_disk_is_found_before_the_dump(host, monkeypatch, capsys):
    monkeypatch.setattr(local.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert host.run() == 1
    assert "backup_keep" in capsys.readouterr().err
    assert host.backups == []


def test_a_kind_of_object_that_is_gone_is_told(host, capsys):
    host.run()
    host.compose.answer(definitions=b"")
    host.compose.look(views=None)
    host.run()
    assert "views" in host.manifest().warnings[0]
    assert "WARNING" in capsys.readouterr().out


def test_a_damaged_manifest_does_not_stop_the_next_backup(host):
    host.run()
    host.write(f"backups/{host.backups[0]}/manifest.json", "{")
    assert host.run() == 0


def test_a_stack_without_a_database_is_backed_up(host):
    site = {"project_src": str(host.root), "project_name": "shop", "image": "shop:1", "image_id": "1", "database": ""}
    host.record(**site)
    assert host.run() == 0
    assert set(host.manifest().parts) == {"files.tar.gz"}


def test_a_sqlite_database_is_copied_while_its_users_write(host):
    file = host.root / "volumes/data/db?.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE note (body TEXT)")
        writer.execute("INSERT INTO note VALUES ('committed')")
        writer.commit()
        writer.execute("INSERT INTO note VALUES ('not committed')")
        assert host.run() == 0
    copy = host.root / "backups" / host.backups[-1] / "sqlite/data/db?.sqlite3"
    with contextlib.closing(sqlite3.connect(copy)) as reader:
        assert reader.execute("SELECT body FROM note").fetchall() == [("committed",)]
    assert "sqlite/data/db?.sqlite3" in host.manifest(host.backups[-1]).parts
    assert copy.stat().st_mode & 0o077 == 0


def test_a_damaged_sqlite_database_is_no_backup(host, capsys):
    host.write("volumes/data/db.sqlite3", "SQLite format 3\0 and nothing else" + " " * 600)
    assert host.run() == 1
    assert host.state.error
    assert host.backups == []


@pytest.mark.parametrize("how", ["cut", "changed", "further", "missing"])
def test_a_backup_that_was_changed_is_refused(host, how):
    host.run()
    folder = host.root / "backups" / host.backups[0]
    archive = folder / "files.tar.gz"
    if how == "missing":
        archive.unlink()
    elif how == "further":
        (folder / "more").touch()
    else:
        content = archive.read_bytes()
        archive.write_bytes(content[:-1] if how == "cut" else content[:-1] + b"x")
    with pytest.raises(BackupError, match="more" if how == "further" else r"files\.tar\.gz"):
        verify(folder)


def test_a_stack_that_was_never_deployed_is_refused(host, capsys):
    host.write("releases/7/record.json", json.dumps({"format": 1, "state": "failed"}))
    assert host.run() == 1
    assert "deploy" in capsys.readouterr().err


def test_a_second_run_at_the_same_time_is_refused(host, monkeypatch, capsys):
    monkeypatch.setattr("ansible_collections.landfall.django.plugins.module_utils._backup.main._LOCK_TIMEOUT", 0)
    with local.lock.held(host.root / "backups/.lock", "a backup of shop", patience=0):
        assert host.run() == 1
    assert "a backup of shop" in capsys.readouterr().err
