# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore from its beginning to its end, and from wherever it is interrupted."""

from __future__ import annotations

import contextlib
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._database.restore import RestoreError
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from tests.unit._database.servers import Faults, KilledError, Schema
from tests.unit._database.stacks import DUMPED, LIVE, UP, Stack


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
            again = Stack(tmp_path / f"{at}-{how}", stack.engine)
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
            again = Stack(tmp_path / f"{at}-{how}", stack.engine)
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
        again = Stack(tmp_path / str(at), stack.engine)
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
    stack.process(Faults()).replacement.server.server = "two"
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
        for name in ("contents", "id", "drop", "create", "empty", "refuse_connections"):
            monkeypatch.setattr(stack.server, name, gone)

    monkeypatch.setattr(stack.writers, "stop", stop)
    with pytest.raises(DockerError, match="gone"):
        stack.run()
    assert stack.is_untouched
    assert stack.is_at_rest


def test_tables_that_somebody_else_uses_are_left_as_they_are(stack):
    stack.server.is_used = True
    with pytest.raises(DockerError, match=re.escape(stack.engine.list_connections)):
        stack.run()
    assert stack.is_untouched
    assert stack.is_at_rest


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
