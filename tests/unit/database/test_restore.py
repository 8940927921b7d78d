# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
import copy
import gzip
import hashlib
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import restore as restores
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.project import Project
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore, RestoreError
from ansible_collections.landfall.django.plugins.module_utils._database.swap import (
    beside_name,
    kept,
    kept_name,
    unfinished,
)
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError

from tests.unit.database.servers import Faults, KilledError, Schema, Server, Users

LIVE = Schema(
    tables={"note": 7, "half": 0, "both": 3},
    definitions={("triggers", "t"), ("views", "v"), ("events", "tick")},
    charset="latin1",
)
DUMPED = Schema(tables={"note": 5, "both": 2}, definitions={("triggers", "t"), ("functions", "f")})
UP = {"shop-web-1", "shop-celery-1"}


def write_dump(root, number=8, **changes):
    """A release's dump, in the language of the server in memory."""
    folder = root / "releases" / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    tables = gzip.compress("".join(f"table {name} {rows}\n" for name, rows in DUMPED.tables.items()).encode())
    content = tables + gzip.compress("".join(f"{kind} {name}\n" for kind, name in DUMPED.definitions).encode())
    (folder / "dump.sql.gz").write_bytes(content)
    said = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "archive_bytes": len(content),
        "definitions_at": len(tables),
        "server": "one",
        "version": "9.7",
        "schema": "shop",
        "charset": DUMPED.charset,
        "collation": "utf8mb4_bin",
        "data_bytes": 1000,
        "sql_bytes": 1000,
        "at": "2026-11-27T13:19:14+00:00",
        "tables": DUMPED.tables,
        "definitions": {"triggers": ["t"], "functions": ["f"], "views": [], "procedures": [], "events": []},
        "migrations": [["shop", "0001_initial"]],
        "warnings": [],
        **changes,
    }
    (folder / "dump.json").write_text(json.dumps({"format": 1, **said}))


class Stack:
    """A stack with a dump of release 8, whose commands can be made to fail."""

    def __init__(self, root):
        self.root = root
        self.schemas = {"shop": copy.deepcopy(LIVE), "mysql": Schema()}
        self.up = set(UP)
        self.project = None
        self.restores(Faults())
        write_dump(root)

    def restores(self, faults):
        """A new process."""
        self.faults = faults
        self.server = Server(self.schemas, faults)
        self.users = Users(self.up, faults)
        self.restore = Restore(self.root, self.server, self.users, (lambda: self.project) if self.project else None)
        return self.restore

    def run(self, number=8, despite_migrations=False, elsewhere=False):
        done = self.restore.resume()
        if done:
            return done
        source = self.restore.from_release(number, elsewhere)
        self.restore.check(source, despite_migrations)
        return self.restore.run(source)

    @property
    def kept(self):
        return [self.schemas[name] for name in kept("shop", self.schemas)]


@pytest.fixture
def stack(tmp_path, monkeypatch):
    # The grammar of mysqldump has its own tests.
    monkeypatch.setattr(restores, "verify", described)
    return Stack(tmp_path)


def described(archive):
    values = json.loads(archive.with_name("dump.json").read_text())
    values.pop("format")
    values["migrations"] = [tuple(pair) for pair in values["migrations"]]
    return Dump(archive=archive, **values)


def is_restored(stack):
    return stack.schemas["shop"] == DUMPED


def is_untouched(stack):
    return stack.schemas["shop"] == LIVE


def test_the_dump_takes_the_place_of_the_data_which_is_kept(stack):
    done = stack.run()
    assert is_restored(stack)
    assert stack.up == UP
    assert [one.tables for one in stack.kept] == [LIVE.tables]
    assert done["kept"] in stack.schemas
    assert sorted(done["stopped"]) == sorted(UP)
    assert beside_name("shop") not in stack.schemas
    assert not unfinished(stack.root)


def test_every_command_may_fail_before_it_works_or_after(stack, tmp_path):
    stack.run()
    total = stack.faults.count
    assert total > 15
    for at in range(1, total + 1):
        for how in ("before", "after"):
            again = Stack(tmp_path / f"{at}-{how}")
            again.restores(Faults(at, how))
            with contextlib.suppress(DockerError, RestoreError):
                again.run()
            assert is_untouched(again) or is_restored(again), (at, how)
            # Only where to start them is what failed, the containers wait for the next run.
            assert again.up == UP or unfinished(again.root), (at, how)
            again.restores(Faults())
            again.run()
            assert is_restored(again), (at, how)
            assert again.up == UP, (at, how)
            assert LIVE.tables in [one.tables for one in again.kept], (at, how)
            assert not unfinished(again.root)


def test_the_process_may_be_killed_at_every_command(stack, tmp_path):
    stack.run()
    for at in range(1, stack.faults.count + 1):
        for how in ("before", "after"):
            again = Stack(tmp_path / f"{at}-{how}")
            again.restores(Faults(at, how, killed=True))
            with pytest.raises(KilledError):
                again.run()
            # Nothing that serves may see a database between two states.
            assert is_untouched(again) or is_restored(again) or not again.up, (at, how)
            assert is_untouched(again) or unfinished(again.root), (at, how)
            again.restores(Faults())
            again.run()
            assert is_restored(again), (at, how)
            assert again.up == UP, (at, how)
            assert [one.tables for one in again.kept] == [LIVE.tables], (at, how)
            assert beside_name("shop") not in again.schemas, (at, how)
            assert not unfinished(again.root), (at, how)


def test_a_way_back_that_was_killed_is_gone_to_its_end(stack, tmp_path):
    for at in range(1, 60):
        again = Stack(tmp_path / str(at))
        wanted = {"triggers": ["t", "never there"], "functions": ["f"]}
        write_dump(again.root, definitions=wanted)
        again.restores(Faults(at, "after", killed=True))
        with pytest.raises((KilledError, RestoreError)) as raised:
            again.run()
        again.restores(Faults())
        again.restore.resume()
        assert is_untouched(again), at
        assert again.up == UP, at
        if raised.type is RestoreError:
            return
    pytest.fail("the way back has no end")


def test_a_journal_of_a_database_that_was_made_again_is_of_no_more_use(stack, monkeypatch):
    def killed(*_):
        stack.faults.dead = True
        raise KilledError

    monkeypatch.setattr(stack.restore.swap, "commit", killed)
    with pytest.raises(KilledError):
        stack.run()
    assert stack.restore.swap.read().state == "swapping"
    stack.schemas.clear()
    stack.schemas["shop"] = Schema(tables={"note": 1})
    stack.restores(Faults()).server.id = "two"
    stack.restore.resume()
    assert stack.schemas == {"shop": Schema(tables={"note": 1})}
    assert stack.up == UP
    assert not unfinished(stack.root)


def test_a_server_that_goes_away_before_the_swap_keeps_nothing_stopped(stack, monkeypatch):
    def gone(*_):
        raise DockerError("the server is gone")

    users_stop = stack.users.stop

    def stop(names):
        users_stop(names)
        monkeypatch.setattr(stack.server, "look", gone)
        monkeypatch.setattr(stack.server, "ask", gone)

    monkeypatch.setattr(stack.users, "stop", stop)
    with pytest.raises(DockerError, match="gone"):
        stack.run()
    assert stack.up == UP
    assert not unfinished(stack.root)


def test_tables_that_somebody_else_uses_are_left_where_they_are(stack, monkeypatch):
    ask = stack.server.ask

    def refuse(sql):
        if sql.startswith("LOCK TABLES"):
            raise DockerError("lock wait timeout")
        return ask(sql)

    monkeypatch.setattr(stack.server, "ask", refuse)
    with pytest.raises(DockerError, match="SHOW PROCESSLIST"):
        stack.run()
    assert is_untouched(stack)
    assert not [sql for sql in stack.server.asked if sql.startswith(("DROP TRIGGER", "RENAME"))]
    assert stack.up == UP
    assert set(stack.schemas) == {"shop", "mysql"}


def test_a_way_back_that_fails_leaves_everything_stopped_and_says_so(stack):
    write_dump(stack.root, definitions={"triggers": ["never there"]})
    stack.run_again = stack.server.load
    calls = []

    def load(name, blocks):
        calls.append(name)
        if len(calls) == 3:
            raise DockerError("the server went away")
        stack.run_again(name, blocks)

    stack.server.load = load
    with pytest.raises(RestoreError, match=r"(?s)never there.*server went away.*stopped"):
        stack.run()
    assert not stack.up
    assert unfinished(stack.root)


def test_rows_that_were_lost_in_loading_are_noticed_while_everything_runs(stack):
    stack.server.loses = 1
    with pytest.raises(RestoreError, match="note"):
        stack.run()
    assert is_untouched(stack)
    assert stack.up == UP
    assert set(stack.schemas) == {"shop", "mysql"}


def test_what_is_kept_can_be_brought_back_and_then_forgotten(stack):
    name = stack.run()["kept"]
    file = stack.root / "restore" / f"{name}.sql"
    assert file.stat().st_mode & 0o777 == 0o600
    stack.restore.run(stack.restore.from_kept(name))
    assert is_untouched(stack)
    assert name not in stack.schemas or stack.schemas[name].tables == DUMPED.tables
    dropped = stack.restore.forget()
    assert dropped
    assert set(stack.schemas) == {"shop", "mysql"}
    assert not list((stack.root / "restore").glob("*.sql"))


def test_only_what_a_restore_has_kept_is_forgotten_or_brought_back(stack):
    stack.schemas[beside_name("shop")] = Schema()
    others = {"shop_before_restore_by_hand", "xshop_before_restore_20261127133505", "shop_before_restore_2026112713350"}
    stack.schemas.update({name: Schema() for name in others})
    assert stack.restore.forget() == [beside_name("shop")], "a restore that was killed has left it"
    assert others < set(stack.schemas)
    with pytest.raises(RestoreError, match="there are: none"):
        stack.restore.from_kept("mysql")


def test_a_release_without_a_dump_is_refused_with_those_that_have_one(stack):
    write_dump(stack.root, 11)
    with pytest.raises(RestoreError, match=r"release 7 has no dump.*: 8, 11"):
        stack.run(7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"schema": "blog"}, "blog"), ({"server": "two"}, "restore_from_elsewhere"), ({"data_bytes": 1 << 41}, "MiB")],
)
def test_a_dump_of_something_else_or_too_large_is_refused(stack, changes, said):
    write_dump(stack.root, **changes)
    with pytest.raises(RestoreError, match=said):
        stack.run()
    assert is_untouched(stack)
    assert not stack.server.asked


def test_a_dump_from_another_server_is_taken_on_request(stack):
    write_dump(stack.root, server="two")
    stack.run(elsewhere=True)
    assert is_restored(stack)


def test_a_damaged_archive_is_refused_before_anything(stack, monkeypatch):
    monkeypatch.undo()
    archive = stack.root / "releases/8/dump.sql.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(ArchiveError):
        stack.run()
    assert not stack.server.asked


def test_a_one_off_container_that_runs_is_refused(stack):
    stack.users.once = ["shop-migrate-run-1"]
    with pytest.raises(RestoreError, match="shop-migrate-run-1"):
        stack.run()
    assert is_untouched(stack)


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
    stack.restores(Faults())
    with pytest.raises(RestoreError, match="the stack's own db"):
        stack.run()
    assert is_untouched(stack)


def test_a_dump_with_migrations_that_the_code_does_not_know_is_refused(stack):
    write_dump(stack.root, migrations=[["shop", "0001_initial"], ["shop", "0002_new"], ["gone_app", "0001_initial"]])
    stack.project = Project("mysql", "one", "shop", {("shop", "0001_initial"): frozenset()})
    stack.restores(Faults())
    with pytest.raises(RestoreError, match=r"\(shop\.0002_new\).*restore_despite_migrations"):
        stack.run()
    stack.run(despite_migrations=True)
    assert is_restored(stack)


def test_code_that_is_ahead_of_the_dump_is_a_warning(stack):
    stack.project = Project("mysql", "one", "shop", {("shop", name): frozenset() for name in ("0001_initial", "0002")})
    stack.restores(Faults())
    stack.run()
    assert any("shop.0002" in warning for warning in stack.restore.warnings)


def test_a_project_that_does_not_come_back_healthy_is_told(stack):
    stack.users.late = ["shop-web-1"]
    assert stack.run()["unhealthy"] == ["shop-web-1"]


def test_the_names_of_schemas_beside_are_never_too_long():
    for name in ("s", "s" * 64):
        assert len(beside_name(name)) <= 64
        assert len(kept_name(name)) <= 64
        assert kept(name, [kept_name(name), name, beside_name(name)]) == [kept_name(name)]


def test_a_journal_of_a_newer_version_is_left_alone(stack):
    (stack.root / "restore").mkdir()
    (stack.root / "restore/journal.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer"):
        stack.run()
    assert is_untouched(stack)
