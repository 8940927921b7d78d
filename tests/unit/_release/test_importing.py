# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dump of an existing site is imported by the first release, wholly or not at all, and once."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

from tests.unit._database.servers import KilledError
from tests.unit._release.conftest import Server

DUMP = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
CREATE TABLE `note` (
  `text` varchar(100) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
INSERT INTO `note` VALUES ('a');
-- Dump completed on 2026-11-27 13:19:14
"""
EMPTIED = "empty shop utf8mb4 utf8mb4_0900_ai_ci"
BOTH = ["shop.0001", "shop.0002"]


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "old.sql"
    file.write_bytes(DUMP)
    return file


@pytest.fixture
def fault(monkeypatch):
    return lambda error: monkeypatch.setattr(Server, "import_fault", error)


def test_the_dump_is_there_before_the_migrations_and_in_the_record(stack, file):
    record = stack.deploy("shop:1", imports=file, knows=BOTH)
    assert record.migrations == ["shop.0002"]
    assert stack.world.applied == BOTH
    assert record.imported["file"] == str(file)
    assert len(record.imported["sha256"]) == 64
    assert (record.imported["tables"], record.imported["rows"]) == (1, 1)
    assert record.import_is_final
    assert any("latin1" in warning for warning in record.warnings)
    assert "import old.sql" in [step["step"] for step in record.steps]
    assert not record.dump, "the file has the same data"
    assert file.read_bytes() == DUMP


@pytest.mark.parametrize("later", ["the same", "touched", "gone"])
def test_a_second_deployment_changes_nothing_and_needs_the_file_no_more(stack, file, later):
    stack.deploy("shop:1", imports=file)
    if later == "touched":
        file.touch()
    elif later == "gone":
        file.unlink()
    before = len(stack.world.commands)
    assert stack.deploy("shop:1", imports=file) is None
    assert not any("create" in command and "--dry-run" not in command for command in stack.world.commands[before:])
    assert stack.deploy("shop:2", imports=file).imported == {}
    assert EMPTIED not in Server.asked


def test_another_dump_after_an_import_is_refused(stack, file, tmp_path):
    stack.deploy("shop:1", imports=file)
    other = tmp_path / "newer.sql"
    other.write_bytes(DUMP)
    with pytest.raises(ReleaseError, match=r"stack_database_import: release 1 .*remove_data"):
        stack.deploy("shop:2", imports=other)
    file.write_bytes(DUMP + b"\n")
    with pytest.raises(ReleaseError, match=r"stack_database_import"):
        stack.deploy("shop:2", imports=file)
    assert stack.serving() == 1


def test_a_release_that_serves_with_data_of_its_own_is_not_overwritten(stack, file):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError, match=r"stack_database_import: .*release 1"):
        stack.deploy("shop:2", imports=file)
    assert EMPTIED not in Server.asked


def test_a_database_with_tables_is_refused_and_keeps_them(stack, file):
    Server.tables["theirs"] = 5
    with pytest.raises(ReleaseError, match=r"stack_database_import: .*tables"):
        stack.deploy("shop:1", imports=file)
    assert Server.tables == {"theirs": 5}


@pytest.mark.parametrize(
    ("options", "cure"),
    [({"database": ""}, "stack_database"), ({"database": "postgresql", "database_external": True}, "client")],
)
def test_without_a_server_of_its_own_it_is_refused(stack, file, options, cure):
    with pytest.raises(ReleaseError, match=rf"stack_database_import: .*{cure}"):
        stack.deploy("shop:1", imports=file, options=options)
    assert stack.states() == []


def test_a_dump_that_cannot_be_used_is_refused_before_anything_starts(stack, file):
    file.write_bytes(DUMP[:-40])
    with pytest.raises(ReleaseError, match=r"stack_database_import: .*incomplete"):
        stack.deploy("shop:1", imports=file)
    assert stack.present == set()
    assert stack.states() == []


def test_an_extension_that_is_not_asked_for_names_the_variable(stack, file):
    file.write_bytes(
        b"-- PostgreSQL database dump\nCREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;\n"
        b"CREATE TABLE public.note (\n);\n-- PostgreSQL database dump complete\n"
    )
    with pytest.raises(ReleaseError, match=r"stack_database_extensions: .*citext"):
        stack.deploy("shop:1", imports=file, options={"database": "postgresql"})


def test_a_load_that_fails_empties_the_database_and_says_what_the_client_said(stack, file, fault):
    fault(DockerError("mysql failed with code 1:\nERROR 1062 (23000) at line 6: Duplicate entry 'a'\n"))
    with pytest.raises(ReleaseError, match=r"stack_database_import: .*ERROR 1062"):
        stack.deploy("shop:1", imports=file)
    assert Server.tables == {}
    assert file.read_bytes() == DUMP
    fault(None)
    assert stack.deploy("shop:1", imports=file).imported["rows"] == 1


@pytest.mark.parametrize("why", [{"breaks_at": "shop.0002"}, {"unfit": True}, {"ill": True}])
def test_a_release_that_fails_later_takes_the_import_back(stack, file, why):
    with pytest.raises(ReleaseError):
        stack.deploy("shop:1", imports=file, knows=BOTH, **why)
    assert Server.tables == {}
    record = stack.ledger.read()[0]
    assert record.imported == {}
    assert stack.deploy("shop:2", imports=file, knows=BOTH).import_is_final


def test_what_visitors_may_have_written_to_stays(stack, file):
    with pytest.raises(ReleaseError, match="stays in the database"):
        stack.deploy("shop:1", imports=file, ill_behind_nginx=True)
    assert Server.tables == {"note": 1}
    record = stack.deploy("shop:2", imports=file)
    assert record.imported == {}
    assert Server.tables == {"note": 1}


@pytest.mark.parametrize("again", [True, False], ids=["with the dump", "without"])
def test_what_a_killed_import_has_left_is_removed_first(stack, file, fault, monkeypatch, again):
    fault(KilledError())
    with monkeypatch.context() as dead:
        # Nothing after the kill runs.
        dead.setattr(Release, "_failed", lambda *_given: KilledError())
        with pytest.raises(KilledError):
            stack.deploy("shop:1", imports=file)
    assert Server.tables == {"note": 1}
    fault(None)
    record = stack.deploy("shop:1", imports=file if again else "")
    assert EMPTIED in Server.asked
    assert Server.tables == ({"note": 1} if again else {})
    assert bool(record.imported) == again
    Server.asked.clear()
    stack.deploy("shop:2", imports=file if again else "")
    assert EMPTIED not in Server.asked, "once"


def test_a_rollback_does_not_look_at_the_dump(stack, file):
    stack.deploy("shop:1", imports=file)
    stack.deploy("shop:2", imports=file)
    file.write_bytes(b"another")
    stack.roll_back(1)
    assert set(stack.running.values()) >= {"shop:1"}
