# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
import copy
import gzip
import hashlib
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import mysql, replacement
from ansible_collections.landfall.django.plugins.module_utils._database import restore as restores
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.project import Project
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore, RestoreError
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from tests.unit._database.servers import Faults, KilledError, Schema, Server, Writers

LIVE = Schema(
    tables={"note": 7, "half": 0, "both": 3},
    definitions={("triggers", "t"), ("views", "v"), ("events", "tick")},
    charset="latin1",
)
DUMPED = Schema(tables={"note": 5, "both": 2}, definitions={("triggers", "t"), ("functions", "f")})
UP = {"shop-web-1", "shop-celery-1"}
KINDS = ("views", "triggers", "functions", "procedures", "events")


def write(folder, holds, /, **changes):
    """A dump of a schema, in the language of the server in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = gzip.compress("".join(f"table {name} {rows}\n" for name, rows in holds.tables.items()).encode())
    content = tables + gzip.compress("".join(f"{kind} {name}\n" for kind, name in holds.definitions).encode())
    said = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "archive_bytes": len(content),
        "definitions_at": len(tables),
        "server": "one",
        "version": "9.7",
        "schema": "shop",
        "charset": holds.charset,
        "collation": f"{holds.charset}_bin",
        "data_bytes": 1000,
        "sql_bytes": 1000,
        "at": "2026-11-27T13:19:14+00:00",
        "tables": holds.tables,
        "definitions": {kind: sorted(name for one, name in holds.definitions if one == kind) for kind in KINDS},
        "migrations": [["shop", "0001_initial"]],
        "warnings": [],
        **changes,
    }
    (folder / "dump.json").write_text(json.dumps({"format": 1, **said}))
    (folder / "dump.sql.gz").write_bytes(content)
    return described(folder / "dump.sql.gz")


def described(archive, empty=False):
    """What verify returns; the grammar of mysqldump has its own tests."""
    values = json.loads(archive.with_name("dump.json").read_text())
    values.pop("format")
    values["migrations"] = [tuple(pair) for pair in values["migrations"]]
    return Dump(archive=archive, **values)


def dumped(server, folder, name):
    with server.faults():
        return write(folder, server.schemas_there[name], server=server.id)


class Stack:
    """A stack with a dump of release 8, whose commands can be made to fail."""

    def __init__(self, root):
        self.root = root
        self.schemas = {"shop": copy.deepcopy(LIVE), "mysql": Schema()}
        self.up = set(UP)
        self.project = None
        self.process(Faults())
        self.release()

    def release(self, number=8, **changes):
        """A release that has dumped."""
        write(self.root / "releases" / str(number), DUMPED, **changes)

    def process(self, faults):
        """What runs the next restore."""
        self.faults = faults
        self.server = Server(self.schemas, faults)
        self.writers = Writers(self.up, faults)
        self.restore = Restore(self.root, self.server, self.writers, (lambda: self.project) if self.project else None)
        return self.restore

    def run(self, number=8, despite_migrations=False, elsewhere=False):
        done = self.restore.resume()
        if done:
            return done
        dump = self.restore.from_release(number, elsewhere)
        self.restore.check(dump, despite_migrations)
        return self.restore.run(dump, f"release {number}")

    @property
    def kept(self):
        return [described(self.root / "restore" / name / "dump.sql.gz").tables for name in self.restore.kept_names()]

    @property
    def is_restored(self):
        return self.schemas["shop"] == DUMPED

    @property
    def is_untouched(self):
        return self.schemas["shop"] == LIVE

    @property
    def is_at_rest(self):
        """Nothing is under way, nothing stopped, nothing left beside."""
        return self.up == UP and set(self.schemas) == {"shop", "mysql"} and not interrupted_restore(self.root)


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setattr(restores, "verify", described)
    monkeypatch.setattr(replacement, "verify", described)
    monkeypatch.setattr(replacement, "dump_from", dumped)
    return Stack(tmp_path)


def test_the_dump_takes_the_place_of_the_data_which_is_kept(stack):
    done = stack.run()
    assert stack.is_restored
    assert stack.is_at_rest
    assert stack.kept == [LIVE.tables]
    assert done["archive"] == str(stack.root / "restore" / done["kept"] / "dump.sql.gz")
    assert sorted(done["stopped"]) == sorted(UP)


def test_every_command_may_fail_before_it_works_or_after(stack, tmp_path):
    stack.run()
    total = stack.faults.count
    assert total > 15
    for at in range(1, total + 1):
        for how in ("before", "after"):
            again = Stack(tmp_path / f"{at}-{how}")
            again.process(Faults(at, how))
            with contextlib.suppress(DockerError, RestoreError):
                again.run()
            assert again.is_untouched or again.is_restored, (at, how)
            # Only where to start them is what failed, the containers wait for the next run.
            assert again.up == UP or interrupted_restore(again.root), (at, how)
            again.process(Faults())
            again.run()
            assert again.is_restored, (at, how)
            assert again.is_at_rest, (at, how)
            assert LIVE.tables in again.kept, (at, how)


def test_the_process_may_be_killed_at_every_command(stack, tmp_path):
    stack.run()
    for at in range(1, stack.faults.count + 1):
        for how in ("before", "after"):
            again = Stack(tmp_path / f"{at}-{how}")
            again.process(Faults(at, how, killed=True))
            with pytest.raises(KilledError):
                again.run()
            # Nothing that serves may see a database between two states, and nobody may deploy onto one.
            assert again.is_untouched or again.is_restored or not again.up, (at, how)
            assert again.is_untouched or interrupted_restore(again.root), (at, how)
            again.process(Faults())
            again.run()
            assert again.is_restored, (at, how)
            assert again.is_at_rest, (at, how)
            assert again.kept == [LIVE.tables], (at, how)


def test_a_way_back_that_was_killed_is_gone_to_its_end(stack, tmp_path):
    for at in range(1, 80):
        again = Stack(tmp_path / str(at))
        again.release(definitions={"triggers": ["t", "never there"], "functions": ["f"]})
        again.process(Faults(at, "after", killed=True))
        with pytest.raises((KilledError, DockerError)) as raised:
            again.run()
        again.process(Faults())
        again.restore.resume()
        assert again.is_untouched, at
        assert again.up == UP, at
        if raised.type is DockerError:
            return
    pytest.fail("the way back has no end")


def test_a_way_back_that_fails_leaves_everything_stopped_and_says_so(stack, monkeypatch):
    stack.release(definitions={"triggers": ["never there"]})
    load, calls = stack.server.load, []

    def fails_at_last(name, blocks):
        calls.append(name)
        if len(calls) > 3:
            raise DockerError("the server went away")
        load(name, blocks)

    monkeypatch.setattr(stack.server, "load", fails_at_last)
    with pytest.raises(RestoreError, match=r"(?s)never there.*server went away.*dump\.sql\.gz.*stopped"):
        stack.run()
    assert not stack.up
    assert interrupted_restore(stack.root)
    stack.process(Faults()).resume()
    assert stack.is_untouched


def test_a_database_that_was_made_again_is_not_put_back_and_what_was_kept_stays(stack, monkeypatch):
    def killed(*_):
        stack.faults.dead = True
        raise KilledError

    monkeypatch.setattr(stack.restore.replacement, "commit", killed)
    with pytest.raises(KilledError):
        stack.run()
    stack.schemas["shop"] = new = Schema(tables={"note": 1})
    stack.process(Faults()).replacement.server.id = "two"
    stack.restore.resume()
    assert stack.schemas["shop"] is new
    assert stack.is_at_rest
    assert stack.kept == [LIVE.tables]
    assert any("restore_kept" in warning for warning in stack.restore.warnings)


def test_a_server_that_goes_away_before_anything_is_replaced_keeps_nothing_stopped(stack, monkeypatch):
    def gone(*_):
        raise DockerError("the server is gone")

    writers_stop = stack.writers.stop

    def stop(names):
        writers_stop(names)
        monkeypatch.setattr(stack.server, "contents", gone)
        monkeypatch.setattr(stack.server, "query", gone)

    monkeypatch.setattr(stack.writers, "stop", stop)
    with pytest.raises(DockerError, match="gone"):
        stack.run()
    assert stack.is_untouched
    assert stack.is_at_rest


def test_tables_that_somebody_else_uses_are_left_as_they_are(stack, monkeypatch):
    query = stack.server.query

    def refuse(sql):
        if sql.startswith("LOCK TABLES"):
            raise DockerError("lock wait timeout")
        return query(sql)

    monkeypatch.setattr(stack.server, "query", refuse)
    with pytest.raises(DockerError, match="SHOW PROCESSLIST"):
        stack.run()
    assert stack.is_untouched
    assert stack.is_at_rest
    assert not [sql for sql in stack.server.asked if "DROP TABLE" in sql]


def test_rows_that_were_lost_in_loading_are_noticed_while_everything_runs(stack):
    stack.server.loses = 1
    with pytest.raises(DockerError, match="note"):
        stack.run()
    assert stack.is_untouched
    assert stack.is_at_rest


def test_what_is_kept_can_be_brought_back_and_then_forgotten(stack):
    name = stack.run()["kept"]
    assert (stack.root / "restore" / name).stat().st_mode & 0o777 == 0o700
    stack.restore.run(stack.restore.from_kept(name, elsewhere=False), name)
    assert stack.is_untouched
    assert stack.kept == [LIVE.tables, DUMPED.tables]
    assert len(stack.restore.remove_kept()) == 2
    assert not list((stack.root / "restore").iterdir())


@pytest.mark.parametrize("name", ["", ".", "..", "../releases/8", "/etc", "20261127-134115-000000"])
def test_only_what_a_restore_has_kept_is_brought_back(stack, name):
    stack.run()
    with pytest.raises(RestoreError, match="restore_kept"):
        stack.restore.from_kept(name, elsewhere=False)


def test_a_release_without_a_dump_is_refused_with_those_that_have_one(stack):
    stack.release(11)
    with pytest.raises(RestoreError, match=r"release 7 .*restore_release.* 8, 11"):
        stack.run(7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"schema": "blog"}, "blog"), ({"server": "two"}, "restore_from_elsewhere"), ({"data_bytes": 1 << 41}, "MiB")],
)
def test_a_dump_of_something_else_or_too_large_is_refused(stack, changes, said):
    stack.release(**changes)
    with pytest.raises(RestoreError, match=said):
        stack.run()
    assert stack.is_untouched
    assert not stack.server.asked


def test_a_dump_from_another_server_is_taken_on_request(stack):
    stack.release(server="two")
    stack.run(elsewhere=True)
    assert stack.is_restored


def test_a_damaged_archive_is_refused_before_anything(stack, monkeypatch):
    monkeypatch.undo()
    archive = stack.root / "releases/8/dump.sql.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(ArchiveError):
        stack.run()
    assert not stack.server.asked


def test_a_one_off_container_that_runs_is_refused(stack):
    stack.writers.once = ["shop-migrate-run-1"]
    with pytest.raises(RestoreError, match="shop-migrate-run-1"):
        stack.run()
    assert stack.is_untouched


@pytest.mark.parametrize(
    "project",
    [
        Project("postgresql", "", "", {}),
        Project("mysql", "another", "shop", {}),
        Project("mysql", "one", "elsewhere", {}),
    ],
)
def test_a_project_whose_database_is_not_the_stacks_own_is_refused(stack, project):
    stack.project = project
    stack.process(Faults())
    with pytest.raises(RestoreError, match=rf"(postgresql|server|elsewhere).* {mysql.SERVICE} "):
        stack.run()
    assert stack.is_untouched


def test_a_dump_with_migrations_that_the_code_does_not_know_is_refused(stack):
    stack.release(migrations=[["shop", "0001_initial"], ["shop", "0002_new"], ["gone_app", "0001_initial"]])
    stack.project = Project("mysql", "one", "shop", {("shop", "0001_initial"): frozenset()})
    stack.process(Faults())
    with pytest.raises(RestoreError, match=r"\(shop\.0002_new\).*restore_despite_migrations"):
        stack.run()
    stack.run(despite_migrations=True)
    assert stack.is_restored


def test_code_that_is_ahead_of_the_dump_is_a_warning(stack):
    stack.project = Project("mysql", "one", "shop", {("shop", name): frozenset() for name in ("0001_initial", "0002")})
    stack.process(Faults())
    stack.run()
    assert any("shop.0002" in warning for warning in stack.restore.warnings)


def test_a_project_that_does_not_come_back_healthy_is_told(stack):
    stack.writers.late = ["shop-web-1"]
    assert stack.run()["unhealthy"] == ["shop-web-1"]


def test_a_journal_of_a_newer_version_is_left_alone(stack):
    (stack.root / "restore").mkdir()
    (stack.root / "restore/journal.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer"):
        stack.run()
    assert stack.is_untouched


def test_the_name_of_the_schema_beside_is_never_too_long():
    assert len(mysql.rehearsal_schema("s" * 64)) == 64
