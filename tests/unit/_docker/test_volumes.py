# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose

UID = os.getuid() + 1


@pytest.fixture
def given(monkeypatch):
    """What is given away, by its inode: only root may, and a test need not be root."""
    inodes = set()

    def chown(name, uid, gid, *, dir_fd, follow_symlinks):
        assert (uid, gid, follow_symlinks) == (UID, UID, False)
        inodes.add(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_ino)

    monkeypatch.setattr(volumes.os, "chown", chown)
    return inodes


def test_all_in_a_volume_is_handed_over_and_nothing_that_a_link_leads_to(tmp_path, given):
    outside, volume = tmp_path / "outside", tmp_path / "volume"
    (outside / "folder").mkdir(parents=True)
    (outside / "shadow").touch()
    (volume / "deep" / "deeper").mkdir(parents=True)
    (volume / "deep" / "deeper" / "file").touch()
    (volume / "file").symlink_to(outside / "shadow")
    (volume / "folder").symlink_to(outside / "folder")
    (volume / "nowhere").symlink_to(outside / "nothing")
    os.mkfifo(volume / "fifo")
    assert volumes.hand_over(str(volume), UID, UID)
    assert given == {path.lstat().st_ino for path in (volume, *volume.rglob("*"))}
    assert not given & {path.lstat().st_ino for path in (outside, *outside.rglob("*"))}


def test_a_device_is_not_given_away(monkeypatch, given):
    device = os.stat_result((stat.S_IFBLK | 0o660, 7, 0, 1, 0, 0, 0, 0, 0, 0))
    monkeypatch.setattr(volumes.os, "stat", lambda name, **_options: device)
    assert not volumes._change_owner("disk", UID, UID, 3)
    assert not given


def test_a_volume_that_is_in_the_right_hands_is_left_alone(tmp_path, given):
    (tmp_path / "file").touch()
    assert not volumes.hand_over(str(tmp_path), os.getuid(), os.getgid())
    assert not given


@pytest.mark.parametrize(
    ("user", "numbers"),
    [("10002:10003", (10002, 10003)), ("10002", (10002, 10002)), ("", None), ("0:0", None), ("mysql", None)],
)
def test_only_a_user_by_its_number_gets_anything(user, numbers):
    assert volumes.parse_user(user) == numbers


class Engine:
    """A project's containers, and what Compose is told."""

    def __init__(self, monkeypatch, *items):
        self.items = list(items)
        self.said = []
        self.handed = []
        monkeypatch.setattr(Compose, "__call__", lambda _self, *words, **_options: self.said.append(words) or "")
        monkeypatch.setattr(Compose, "containers", lambda _self: {item["Id"]: item for item in self.items})
        monkeypatch.setattr(volumes, "containers", self.mounting)
        monkeypatch.setattr(volumes, "hand_over", lambda place, uid, gid: not self.handed.append((place, uid, gid)))

    def mounting(self, filters):
        (name,) = (word.partition("=")[2] for word in filters)
        return [item for item in self.items if name in [mount.get("Name") for mount in item["Mounts"]]]


def container(service, user, *mounts, running=False, restarting=False):
    return {
        "Id": f"{service}-id",
        "Config": {"User": user, "Labels": {"com.docker.compose.service": service}},
        "State": {"Running": running, "Restarting": restarting},
        "Mounts": list(mounts),
    }


def volume(name, **more):
    return {
        "Type": "volume",
        "Name": name,
        "Source": f"/v/{name}",
        "Destination": "/d",
        "Driver": "local",
        "RW": True,
    } | more


def bind(source, destination):
    return {"Type": "bind", "Source": source, "Destination": destination, "RW": True}


def prepared(engine, *services):
    return volumes.prepare(Compose("/srv/shop", "shop"), services or ("db", "redis"))


def test_a_new_container_gets_its_own_volumes_and_secrets_and_nobody_elses(monkeypatch):
    db = container(
        "db",
        "10002:10002",
        volume("data"),
        volume("shared"),
        volume("remote", Driver="nfs"),
        volume("seed", RW=False),
        bind("/srv/shop/secrets/db", "/run/secrets"),
        bind("/etc", "/host"),
    )
    engine = Engine(monkeypatch, db, container("web", "10001", volume("shared"), volume("own")))
    assert prepared(engine) == ["/v/data", "/srv/shop/secrets/db"]
    assert engine.handed == [("/v/data", 10002, 10002), ("/srv/shop/secrets/db", 10002, 10002)]
    assert engine.said == [("create", "db", "redis")]


def test_a_running_container_keeps_its_volume_and_one_that_fails_again_and_again_is_stopped(monkeypatch):
    engine = Engine(
        monkeypatch,
        container("db", "10002", volume("data"), running=True),
        container("redis", "10003", volume("queue"), running=True, restarting=True),
    )
    assert prepared(engine) == []
    assert engine.said == [("stop", "redis"), ("create", "db", "redis")]


def test_secrets_belong_to_the_container_that_is_there_until_it_is_replaced(monkeypatch):
    Engine(monkeypatch, container("db", "999:999"), container("web", "10001"))
    owners = volumes.owners(Compose("/srv/shop", "shop"), {"db": 10002, "redis": 10003})
    assert owners == {"db": 999, "redis": 10003}
