# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups in a repository of a real restic, in a folder. Each of its commands takes a second to make a key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import offsite
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, verify
from ansible_collections.landfall.django.plugins.module_utils._backup.state import State


@pytest.fixture
def sent(host):
    host.settings("repository")
    assert host.run("prepare") == 0
    assert host.run() == 0
    return host


def test_the_repository_alone_has_everything(sent, tmp_path):
    (snapshot,) = sent.repository().snapshots()
    assert (snapshot.stack, snapshot.name, snapshot.server) == ("shop", sent.state.sent_name, "one")
    sent.repository().restore(snapshot.id, tmp_path / "elsewhere")
    there = tmp_path / "elsewhere" / str(sent.root).lstrip("/")
    verify(there / "backups" / snapshot.name)
    assert (there / "public/media/deep/b.txt").read_text() == "two"
    assert (there / "volumes/data/notes.txt").read_text() == "three"
    # A day later there are two, and each has its own backup.
    assert sent.run() == 0
    assert sent.repository().snapshots()[-1].name == sent.state.sent_name


def test_a_damaged_repository_is_told_and_not_pruned(sent, tmp_path, monkeypatch):
    pack = next(path for path in (tmp_path / "repository/data").rglob("*") if path.is_file())
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes() + b"junk")
    pruned = []
    monkeypatch.setattr(offsite.Repository, "prune", pruned.append)
    state = State()
    with pytest.raises(BackupError, match="check"):
        offsite.maintain(sent.repository(), state, datetime.now(UTC))
    assert (pruned, state.checked_at) == ([], "")


def test_a_wrong_password_is_known_as_such(sent, capsys):
    sent.write("secrets/backup/password", "another")
    assert sent.run("prepare") == 1
    assert "backup_password" in capsys.readouterr().err
