# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import gzip
import json
import os
import resource
import signal

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from tests.unit._database.conftest import ROWS, TABLES, VIEWS


def test_a_dump_says_beside_it_what_it_contains(dumped, folder):
    assert gzip.decompress(dumped.archive.read_bytes()) == TABLES + VIEWS
    said = json.loads((folder / "dump.json").read_text())
    assert (said["schema"], said["server"], said["tables"]) == ("shop", "one", ROWS)
    assert said["definitions"]["views"] == ["v"]
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "dump.sql.gz": 0o600,
        "dump.json": 0o600,
    }


def test_no_secret_and_no_schema_to_go_to_is_in_a_command(compose, dumped):
    assert "/run/secrets/root_password" in compose.commands
    assert "--databases" not in compose.commands
    assert "--password" not in compose.commands


def test_a_dump_is_never_written_over(compose, folder, dumped):
    before = dumped.archive.read_bytes()
    compose.answer(tables=b"another")
    with pytest.raises(DockerError, match=r"dump\.sql\.gz.*exists"):
        compose.dump(folder)
    assert dumped.archive.read_bytes() == before


@pytest.mark.parametrize("part", ["schema", "look", "tables", "definitions"])
@pytest.mark.parametrize("how", ["exit 1", "kill -9 $$"])
def test_a_command_that_fails_leaves_nothing_behind(compose, folder, part, how):
    compose.fail(part, how)
    with pytest.raises(DockerError):
        compose.dump(folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("lines", range(1, TABLES.count(b"\n")))
def test_tables_that_are_cut_anywhere_make_no_dump(compose, folder, lines):
    compose.answer(tables=b"".join(TABLES.splitlines(keepends=True)[:lines]))
    with pytest.raises(DockerError):
        compose.dump(folder)
    assert not list(folder.iterdir())


def test_views_that_are_cut_make_no_dump(compose, folder):
    compose.answer(definitions=VIEWS[:30])
    with pytest.raises(DockerError):
        compose.dump(folder)
    assert not list(folder.iterdir())


def test_a_table_that_went_meanwhile_makes_no_dump(compose, folder):
    compose.look(tables=[*ROWS, "gone"])
    with pytest.raises(DockerError, match="gone"):
        compose.dump(folder)
    assert not list(folder.iterdir())


def test_a_full_disk_leaves_nothing_behind(compose, folder):
    compose.answer(tables=os.urandom(1 << 20).hex().encode() + b"\n" + TABLES)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The signal would end the process; without it the write fails, as on a full disk.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, former[1]))
    try:
        with pytest.raises(DockerError, match="could not be dumped"):
            compose.dump(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(folder.iterdir())


def test_what_a_play_that_was_killed_has_left_is_no_dump(compose, folder):
    (folder / "dump.sql.gz.partial").write_bytes(b"half")
    (folder / "dump.json").write_text("of a dump that was not published")
    made = compose.dump(folder)
    assert {path.name for path in folder.iterdir()} == {"dump.sql.gz", "dump.json"}
    assert json.loads((folder / "dump.json").read_text())["sha256"] == made.sha256


def test_what_makes_a_dump_less_than_it_seems_is_said(compose, folder):
    compose.look(not_transactional=["note"], broken_views=["old"])
    first, second = compose.dump(folder).warnings
    assert "note" in first
    assert "old" in second
    assert "--ignore-table=shop.old" in compose.commands
