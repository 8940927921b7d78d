# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program sends backups to a repository, and believes only what that lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import offsite
from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError
from ansible_collections.landfall.django.plugins.module_utils._backup.restic import Snapshot
from ansible_collections.landfall.django.plugins.module_utils._backup.state import State


@pytest.fixture
def sent(host, remote):
    host.settings("repository")
    assert host.run("prepare") == 0
    assert host.run() == 0
    return host


def snapshots(remote):
    return [one.name for one in remote.there]


def test_media_are_not_copied_on_the_host(sent):
    assert [part for part in sent.manifest().parts if "media" in part] == []
    (media,) = (one for one in sent.manifest().folders if one["path"].endswith("media"))
    assert (media["files"], media["bytes"], set(media["sample"])) == (2, 6, {"a.txt", "deep/b.txt"})


def test_a_repository_is_created_once(sent, capsys):
    capsys.readouterr()
    assert sent.run("prepare") == 0
    assert capsys.readouterr().out == "unchanged\n"


def test_the_host_keeps_few_copies_and_the_repository_more(sent, remote):
    sent.settings("repository", keep=Keep(1, 0, 0), copies=2)
    for _run in range(2):
        assert sent.run() == 0
    assert len(sent.backups) == 2
    assert snapshots(remote) == [sent.backups[-1]]


def test_what_others_keep_in_the_repository_stays(sent, remote):
    remote.there.append(Snapshot("mine", "2026", "laptop"))
    sent.settings("repository", keep=Keep(0, 0, 0))
    assert sent.run() == 0
    assert sorted(snapshots(remote)) == ["", sent.state.sent_name]


def test_a_wrong_password_is_told_and_nothing_is_removed(sent, capsys):
    sent.write("secrets/backup/password", "another")
    before = sent.backups
    for step in ("prepare", "run"):
        assert sent.run(step) == 1
        assert "backup_password" in capsys.readouterr().err
    assert set(before) <= set(sent.backups)
    assert "backup_password" in sent.state.error
    assert sent.state.sent_name == before[0]


def test_a_repository_that_is_gone_is_not_created_by_the_timer(sent, remote):
    remote.password = None
    assert sent.run() == 1
    assert "restic" in sent.state.error
    assert remote.password is None


def test_no_backup_goes_after_a_failed_upload(sent, remote):
    remote.password = None
    sent.settings("repository", copies=1)
    for _run in range(3):
        sent.run()
    assert len(sent.backups) == 4


def test_another_host_does_not_add_its_data_to_the_repository(sent, remote, capsys):
    sent.is_machine("2")
    for step in ("prepare", "run"):
        assert sent.run(step) == 1
        assert "backup_take_over" in capsys.readouterr().err
    assert len(snapshots(remote)) == 1
    assert sent.run("run", "--take-over") == 0
    assert sent.run() == 0
    # The former host notices it.
    sent.is_machine("1")
    assert sent.run() == 1
    assert "another host" in sent.state.error


def test_a_database_that_was_created_again_does_not_follow_the_old_one(sent, remote, capsys):
    sent.compose.look(server="two")
    assert sent.run() == 1
    assert "created again" in capsys.readouterr().err
    assert len(snapshots(remote)) == 1
    assert sent.run("run", "--take-over") == 0


def test_a_database_that_was_upgraded_is_the_same(sent):
    sent.compose.look(server="two")
    history = [{"server": "one", "successor": "two", "at": "2026-11-28T00:00:00+00:00"}]
    sent.write("upgrades.json", json.dumps(history))
    assert sent.run() == 0


def test_the_repository_of_another_stack_is_refused(sent, capsys):
    settings = json.loads((sent.root / "backups/settings.json").read_text())
    sent.write("backups/settings.json", json.dumps({**settings, "stack": "blog"}))
    assert sent.run("prepare") == 1
    said = capsys.readouterr().err
    assert "backup_repository" in said
    assert "shop" in said


def test_a_snapshot_that_the_repository_does_not_list_is_no_backup(sent, remote, monkeypatch):
    before = sent.state.sent_name
    monkeypatch.setattr(remote, "backup", lambda *_: None)
    assert sent.run() == 1
    assert "does not list" in sent.state.error
    assert sent.state.sent_name == before


def test_a_snapshot_that_lacks_a_file_is_no_backup(sent, remote):
    remote.lost = "files.tar.gz"
    assert sent.run() == 1
    assert "files.tar.gz" in sent.state.error


def test_each_week_another_part_is_read(remote):
    now, state = datetime(2026, 11, 28, tzinfo=UTC), State()
    for day in range(30):
        offsite.maintain(remote, state, now + timedelta(days=day))
    assert remote.checked == [(part, 8) for part in (1, 2, 3, 4, 5)]
    assert remote.pruned == 5


def test_a_damaged_repository_is_not_pruned(remote, monkeypatch):
    def damaged(*_):
        raise BackupError("repository contains errors")

    monkeypatch.setattr(remote, "check", damaged)
    state = State()
    with pytest.raises(BackupError):
        offsite.maintain(remote, state, datetime.now(UTC))
    assert (remote.pruned, state.checked_at) == (0, "")


NEWEST = Snapshot("a", "2026", "old.example.com", "shop", "20261128T000100Z", "old", "one")


@pytest.mark.parametrize(
    ("snapshots", "host", "servers", "adopted", "refused"),
    [
        pytest.param([], "new", [], "", "", id="empty"),
        pytest.param([NEWEST], "old", ["one"], "", "", id="its own"),
        pytest.param([NEWEST], "old", [], "", "", id="the database is not known yet"),
        pytest.param([NEWEST], "new", ["one"], "", "old.example.com", id="another host"),
        pytest.param([NEWEST], "new", ["two"], "a", "", id="adopted"),
        pytest.param([NEWEST], "new", ["two"], "older", "old.example.com", id="newer than adopted"),
        pytest.param([NEWEST], "old", ["two"], "", "created again", id="another database"),
        pytest.param([Snapshot("b", "2026", "x")], "new", ["one"], "", "", id="of another program"),
        pytest.param([Snapshot("b", "2026", "x", "blog")], "new", [], "b", "blog", id="another stack"),
    ],
)
def test_who_may_back_up_into_a_repository(snapshots, host, servers, adopted, refused):
    why = offsite.refusal(snapshots, "shop", host, servers, adopted)
    assert bool(why) == bool(refused)
    assert refused in why
