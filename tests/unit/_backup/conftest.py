# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._backup import main, restic
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, Manifest, read
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._release.record import FORMAT, SERVING

from tests.unit._database.conftest import Compose

FILES = {
    ".env": "SECRET=1",
    "compose.yaml": "services: {}",
    "secrets/db/password": "hidden",
    "releases/7/compose.yaml": "services: {}",
    "releases/7/dump.sql.gz": "of the migration",
    "source/manage.py": "",
    "public/media/a.txt": "one",
    "public/media/deep/b.txt": "two",
    "volumes/data/notes.txt": "three",
}


class Host:
    """A host with the stack shop, whose database is a recorded one, and a folder for repositories."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.root = folder / "shop"
        for name, content in FILES.items():
            self.write(name, content)
        self.record(project_src=str(self.root), project_name="shop", image="shop:1", image_id="sha256:1")
        (folder / "compose").mkdir()
        self.compose = Compose(folder / "compose")
        monkeypatch.setattr(main, "server_of", lambda *_: Server(self.compose.command, by_name("mysql")))
        monkeypatch.setattr(restic, "PATH", os.environ["PATH"])
        monkeypatch.setattr(restic, "CACHE", str(folder / "cache"))
        self.is_machine("1")
        self.times = iter(range(1, 60))
        self.settings()

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def record(self, **site):
        self.write("releases/7/record.json", json.dumps({"format": FORMAT, "state": SERVING, "site": site}))

    def is_machine(self, machine):
        (self.folder / "machine-id").write_text(machine)
        self.monkeypatch.setattr(main, "MACHINE_ID", self.folder / "machine-id")

    def settings(self, repository="", **options):
        written = asdict(Settings("shop", str(self.folder / repository) if repository else "", **options))
        self.write("backups/settings.json", json.dumps(written))
        self.write("secrets/backup/password", "a password")

    def run(self, step="run", *words):
        """Run the program, one minute after the last time. Return its exit code."""
        name = f"20261128T00{next(self.times):02}00Z"
        self.monkeypatch.setattr(main, "name_of", lambda _time: name)
        return main.main([str(self.root), step, *words], "0.1.0")

    @property
    def backups(self):
        return sorted(path.name for path in (self.root / "backups").iterdir() if path.is_dir())

    @property
    def state(self):
        return State.read(self.root)

    def manifest(self, name=""):
        return read(self.root / "backups" / (name or self.backups[-1]))

    def repository(self):
        return main.Repository(Settings.read(self.root).repository, self.root / main.SECRETS)


class Remote:
    """A repository in memory, with what restic's does."""

    def __init__(self):
        self.there, self.password, self.files = [], None, {}
        self.pruned, self.checked, self.lost = 0, [], ""
        self.secrets = None
        self.kept, self.times = {}, {}  # what each snapshot has

    def __call__(self, _url, secrets):
        self.secrets = secrets
        return self

    def prepare(self):
        created = self.password is None
        self.password = (self.secrets / "password").read_text() if created else self.password
        self.unlock()
        return created

    def unlock(self):
        if self.password != (self.secrets / "password").read_text():
            raise BackupError("backup_password" if self.password else "restic: it does not exist")

    def snapshots(self):
        self.unlock()
        return list(self.there)

    def backup(self, paths, made, parent):
        assert parent in ("", *(one.id for one in self.there))
        number = str(len(self.files))
        self.files[number] = {str(path.relative_to(paths[0])): path.stat().st_size for path in paths[0].rglob("*.*")}
        snapshot = restic.Snapshot(number, number, "vm", made.stack, made.name, made.host, made.server)
        self.there.append(replace(snapshot, paths=tuple(map(str, paths))))
        self.kept[number] = {path: path.read_bytes() for top in paths for path in Path(top).rglob("*.*")}
        self.times |= {path: path.stat().st_mtime_ns for path in self.kept[number]}

    def sizes(self, snapshot, _folder):
        return {name: size for name, size in self.files[snapshot].items() if name != self.lost}

    def forget(self, snapshots):
        self.there = [one for one in self.there if one.id not in snapshots]

    def restore(self, snapshot, target, paths):
        for path, file in self.kept[snapshot].items():
            if any(str(path).startswith(str(wanted)) for wanted in paths):
                there = target / path.relative_to("/")
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(file)
                os.utime(there, ns=(self.times[path], self.times[path]))

    def prune(self):
        self.pruned += 1

    def check(self, part, parts):
        self.checked.append((part, parts))


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def remote(monkeypatch):
    remote = Remote()
    monkeypatch.setattr(main, "Repository", remote)
    return remote


@pytest.fixture
def made():
    return Manifest("shop", "20261128T000100Z", "me", "host-1", "0.1.0", 7, "shop:1")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: None)
