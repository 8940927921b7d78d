# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A drill restores the newest backup into a database of its own, and tells a bad one from a good one."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import drill, main
from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Result, Throwaway
from ansible_collections.landfall.django.plugins.module_utils._database import replacement
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from tests.unit._database.conftest import ROWS


class Scratch:
    """A throwaway database: what is loaded into it, and the commands of Django."""

    name = "shop_drill"

    def __init__(self):
        self.id_now, self.loaded, self.asked, self.ran = "throwaway", [], [], 0
        self.pending = False

    def __call__(self, _root, _stack):
        return self

    @contextlib.contextmanager
    def running(self):
        self.ran += 1
        yield

    def server(self, _engine):
        return self

    def id(self):
        return self.id_now

    def schema(self):
        return "shop"

    def once(self, service, *command, timeout):
        self.asked.append((service, *command))
        if self.pending:
            raise DockerError("unapplied migrations")


@pytest.fixture
def scratch(monkeypatch):
    scratch = Scratch()
    monkeypatch.setattr(main, "Throwaway", scratch)
    fill = lambda _self, schema, dump: scratch.loaded.append((schema, dump.tables))  # noqa: E731
    monkeypatch.setattr(replacement.Replacement, "fill", fill)
    return scratch


@pytest.fixture
def sent(host, remote, scratch):
    host.settings("repository")
    host.run("prepare")
    assert host.run() == 0
    return host


def result(host):
    return Result.read(host.root)


def test_a_drill_loads_the_newest_backup_of_the_repository(sent, scratch):
    assert sent.run("drill") == 0
    found = result(sent)
    assert (found.ok, found.name, found.error) == (True, sent.state.sent_name, "")
    assert (found.rows, found.files) == (sum(ROWS.values()), 3)
    assert scratch.loaded == [("shop", ROWS)]
    assert scratch.asked == [("migrate", "python3", "manage.py", "migrate", "--check")]
    assert not (sent.root / "backups/drill").exists()


def test_without_a_repository_the_hosts_own_backup_is_loaded(host, scratch):
    host.run()
    assert host.run("drill") == 0
    assert (result(host).name, result(host).rows) == (host.backups[-1], sum(ROWS.values()))


def test_a_drill_without_a_backup_fails(host, scratch, capsys):
    assert host.run("drill") == 1
    assert "no backup" in capsys.readouterr().err
    assert not result(host).ok


@pytest.mark.parametrize("name", ["database/dump.sql.gz", "files.tar.gz", "manifest.json"])
def test_a_backup_that_is_damaged_in_the_repository_fails(sent, remote, scratch, name):
    (snapshot,) = remote.kept
    path = next(path for path in remote.kept[snapshot] if str(path).endswith(name))
    remote.kept[snapshot][path] = remote.kept[snapshot][path][:-9]
    assert sent.run("drill") == 1
    found = result(sent)
    assert (found.ok, scratch.loaded) == (False, [])
    assert found.error
    assert not (sent.root / "backups/drill").exists()


def test_a_file_of_the_media_that_differs_fails(sent, remote):
    (snapshot,) = remote.kept
    remote.kept[snapshot][sent.root / "public/media/a.txt"] = b"two"
    assert sent.run("drill") == 1
    assert "a.txt" in result(sent).error


def test_a_file_of_the_media_that_is_missing_fails(sent, remote):
    (snapshot,) = remote.kept
    del remote.kept[snapshot][sent.root / "public/media/a.txt"]
    assert sent.run("drill") == 1
    assert "a.txt" in result(sent).error


def test_a_file_that_a_visitor_deleted_meanwhile_is_no_fault(sent, remote):
    (snapshot,) = remote.kept
    file = sent.root / "public/media/a.txt"
    del remote.kept[snapshot][file]
    file.unlink()
    assert sent.run("drill") == 0
    assert result(sent).files == 2


def test_nothing_is_loaded_into_the_database_of_the_site(sent, scratch, capsys):
    scratch.id_now = "one"
    assert sent.run("drill") == 1
    assert scratch.loaded == []
    assert "nothing was loaded" in capsys.readouterr().err


def test_migrations_that_the_backup_lacks_fail_only_with_the_same_release(sent, scratch):
    scratch.pending = True
    assert sent.run("drill") == 1
    record = json.loads((sent.root / "releases/7/record.json").read_text())
    sent.write("releases/8/record.json", json.dumps(record))
    assert sent.run("drill") == 0


def test_a_throwaway_is_a_project_of_its_own(monkeypatch):
    ran = []
    monkeypatch.setattr(drill, "docker", lambda *words, **_: ran.append(words) or "")
    monkeypatch.setattr(drill, "prepare", lambda compose, services: None)
    monkeypatch.setattr(Throwaway, "names", lambda *_: ["shop_drill-db-1"])
    with pytest.raises(DockerError), Throwaway("/srv/shop", "shop").running():
        raise DockerError("it failed")
    projects = [words[:5] for words in ran if words[0] == "compose"]
    assert set(projects) == {("compose", "--project-name", "shop_drill", "--project-directory", "/srv/shop")}
    assert [words[0] for words in ran] == ["compose", "update", "compose", "compose"]
    assert {"down", "--volumes"} <= set(ran[0]) & set(ran[-1])
