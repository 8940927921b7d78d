# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release with a database server of another series, on a host that exists in memory."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import upgrade as database_upgrade
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._database.restore import RestoreError
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._release.upgrade import (
    database_image,
    tagged_version,
    with_database_image,
)
from ansible_collections.landfall.django.plugins.modules import database_restore, release

from tests.unit._release import conftest
from tests.unit._release.composes import config_of
from tests.unit._release.volumes import NAME
from tests.unit.module_arguments import patch_module_args

BOTH = ["shop.0001", "shop.0002"]
FORMER = f"{NAME}-9.7"


@pytest.fixture
def served(stack):
    stack.deploy("shop:1")
    stack.world.commands.clear()
    return stack


def seen(stack):
    world = stack.world
    running = (stack.running, stack.present, stack.in_force, stack.served_by, stack.serving())
    return (*running, world.version(), world.applied, sorted(world.volumes), config_of(stack.root)["db"])


def check(stack, image):
    """Run the module in check mode with another image of the database, which it finds in no file."""
    options = {**asdict(stack.site("shop:1")), "database_image": image, "stale": True, "_ansible_check_mode": True}
    before = seen(stack)
    with patch_module_args(options), pytest.raises(SystemExit):
        release.main()
    assert seen(stack) == before
    assert not [said for said in stack.world.commands if said.startswith(("stop", "rm", "restart", "pull"))]
    return json.loads(stack.capsys.readouterr().out)


@pytest.fixture
def checked(served, capsys):
    served.capsys = capsys
    return served


@pytest.mark.parametrize("here", [True, False])
def test_a_check_says_from_which_version_to_which_the_database_would_be_upgraded(checked, here):
    if here:
        checked.world.pulled.add("mysql:9.8")
    said = check(checked, "mysql:9.8")
    assert said["changed"]
    assert [line for line in said["plan"] if "9.7.4" in line and ("9.8.4" if here else "9.8,") in line]
    assert "start or recreate db" not in said["plan"]
    # An image is pulled by a release, not by a check.
    assert ("mysql:9.8" in checked.world.pulled) == here


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize(("data", "image"), [("9.7.4", "mysql:9.6"), ("8.0.40", "mysql:9.8")])
def test_a_check_refuses_what_the_release_would_refuse(checked, data, image, here):
    history = checked.world.data() / "mysql_upgrade_history"
    history.write_text(json.dumps({"upgrade_history": [{"version": data}]}))
    if here:
        checked.world.pulled.add(image)
    said = check(checked, image)
    assert said["failed"]
    assert "stack_database_image" in said["msg"]
    assert data in said["msg"]


@pytest.mark.parametrize("image", ["mysql:latest", "registry.example.com/our-database:1.0"])
def test_a_check_does_not_guess_the_version_of_an_image_that_is_not_there(checked, image):
    said = check(checked, image)
    assert [line for line in said["plan"] if "9.7.4" in line and image in line]


@pytest.mark.parametrize(("image", "recreated"), [("mysql:9.7", False), ("mysql:9.7.9", True)])
def test_a_check_says_nothing_of_an_upgrade_within_a_series(checked, image, recreated):
    plan = check(checked, image)["plan"]
    assert ("start or recreate db" in plan) == recreated
    assert not [line for line in plan if "upgrade" in line]


@pytest.mark.parametrize(
    ("name", "image", "version"),
    [
        ("postgresql", "postgres:18", "18"),
        ("postgresql", "a.b:5000/library/postgres:17.2-bookworm@sha256:1", "17.2"),
        ("postgresql", "pgvector/pgvector:pg18", ""),
        ("postgresql", "postgres", ""),
        ("mysql", "mysql:9", ""),
        ("mysql", "mysql:9.7.4", "9.7.4"),
        ("mariadb", "mariadb:lts", ""),
        ("mariadb", "mysql:11.8", ""),
    ],
)
def test_only_the_tag_of_an_official_image_names_a_version(name, image, version):
    assert tagged_version(image, ENGINES[name]) == version


def test_the_new_server_gets_the_data_and_the_former_data_stays(served):
    world = served.world
    record = served.deploy("shop:2", db="mysql:9.8", knows=BOTH)
    assert (record.state, record.upgraded) == ("serving", "9.7.4 to 9.8.4")
    assert set(served.running.values()) == {"shop:2", "mysql:9.8"}
    assert served.served_by == {"shop:2"}
    assert world.applied == BOTH
    assert (world.version(), world.version(FORMER)) == ("9.8.4", "9.7.4")
    assert json.loads((served.ledger.folder(2) / "dump.sql.gz").read_text()) == ["shop.0001"]
    assert record.warnings == []
    assert not (served.root / database_upgrade.JOURNAL).exists()
    # It goes with the stack's other volumes.
    assert world.volumes[FORMER]["com.docker.compose.project"] == "shop"
    stopped = next(n for n, said in enumerate(world.commands) if said.startswith("stop") and "web" in said)
    dumped = next(n for n, said in enumerate(world.commands) if said.endswith("mysqldump"))
    assert stopped < dumped, "nothing may be written after the dump"


def test_where_only_the_image_of_the_database_changes_all_of_the_project_starts_anew(served):
    before = served.present
    served.deploy("shop:1", db="mysql:9.8")
    assert served.present & before == {"shop-db-1", "shop-redis-1"}
    assert set(served.running.values()) == {"shop:1", "mysql:9.8"}
    assert served.served_by == {"shop:1"}
    assert served.world.applied == ["shop.0001"]


def test_a_server_of_the_same_series_gets_the_data_as_it_is(served):
    record = served.deploy("shop:1", db="mysql:9.7.1")
    assert record.upgraded == ""
    assert list(served.world.volumes) == [NAME]
    assert "shop-web-1" in served.running


def older(stack):
    return stack.deploy("shop:2", db="mysql:9.6")


def too_old(stack):
    history = stack.world.data() / "mysql_upgrade_history"
    history.write_text('{"upgrade_history": [{"version": "8.0.40"}]}')
    return stack.deploy("shop:2", db="mysql:9.8")


def unknown(stack):
    (stack.world.data() / "mysql_upgrade_history").unlink()
    return stack.deploy("shop:2", db="mysql:9.8")


def image_elsewhere(stack):
    file = stack.root / "compose.yaml"
    file.write_text(file.read_text().replace("    image:", "    # as always\n    user: root\n    'image':"))
    return stack.deploy("shop:2", db="mysql:9.8")


def no_such_image(stack):
    stack.world.refused = ("run --rm",)
    return stack.deploy("shop:2", db="mysql:9.8")


def full_disk(stack):
    stack.monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=500 << 20))
    return stack.deploy("shop:2", db="mysql:9.8")


def other_schema(stack):
    stack.monkeypatch.setattr(conftest.Server, "others", ("blog",))
    return stack.deploy("shop:2", db="mysql:9.8")


def one_off(stack):
    box = stack.world._create("web", config_of(stack.root), stack.root, once=True)
    box.running = True
    return stack.deploy("shop:2", db="mysql:9.8")


@pytest.mark.parametrize(
    ("deploy", "words"),
    [
        (older, r"stack_database_image.*9\.7\.4.*9\.6\.4"),
        (too_old, r"stack_database_image.*8\.0\.40.*8\.4 first"),
        (unknown, "stack_database_image.*mysql_upgrade_history"),
        (image_elsewhere, "stack_compose_override"),
        (no_such_image, "refused: run"),
        (full_disk, "MiB"),
        (other_schema, "blog"),
        (one_off, "shop-web-2"),
    ],
)
def test_what_cannot_be_upgraded_is_refused_before_anything_stops(served, monkeypatch, deploy, words):
    served.monkeypatch = monkeypatch
    before = (served.running, served.in_force, served.served_by, sorted(served.world.volumes))
    with pytest.raises(ReleaseError, match=words):
        deploy(served)
    assert (served.running, served.in_force, served.served_by, sorted(served.world.volumes)) == before
    assert not [said for said in served.world.commands if said.startswith(("stop", "rm", "restart"))]
    assert served.world.mishaps == []


def test_data_that_no_release_can_dump_is_refused(stack):
    stack.world.make_volume()
    stack.world.open_data("mysql:9.7")
    with pytest.raises(ReleaseError, match=r"stack_database_image.*9\.7\.4"):
        stack.deploy("shop:1", db="mysql:9.8")
    assert stack.world.version() == "9.7.4"
    assert stack.deploy("shop:1").state == "serving"


@pytest.mark.parametrize("code", [{"unfit": True}, {"ill": True}, {"exits": True}, {"breaks_at": "shop.0002"}])
def test_code_that_fails_with_the_new_server_brings_the_former_one_back(served, code):
    before = seen(served)
    with pytest.raises(ReleaseError) as failed:
        served.deploy("shop:2", db="mysql:9.8", knows=BOTH, **code)
    assert seen(served) == before
    assert "could not bring back" not in str(failed.value)
    assert not (served.root / database_upgrade.JOURNAL).exists()
    assert (served.ledger.folder(2) / "dump.sql.gz").exists()


def test_a_way_back_ends_when_visitors_reach_the_site_again(served, monkeypatch):
    asked, answers = [], iter([502, 503])

    def request(port, host, path, timeout=10):
        asked.append(served.world.commands[-1])
        return next(answers, 200)

    monkeypatch.setattr(visitor, "request", request)
    with pytest.raises(ReleaseError):
        served.deploy("shop:2", db="mysql:9.8", knows=BOTH, unfit=True)
    # Nginx and the application need a moment, and nobody asks before their containers have started.
    assert len(asked) == 3
    assert "shop-db-1" in served.running


def test_after_a_failed_migration_nobody_is_told_to_restore(served):
    with pytest.raises(ReleaseError, match="upgrade of the database was undone") as failed:
        served.deploy("shop:2", db="mysql:9.8", knows=BOTH, breaks_at="shop.0002")
    assert "restore_release" not in str(failed.value)


def test_what_visitors_have_written_to_the_new_server_stays_where_the_release_fails_late(served):
    world = served.world
    with pytest.raises(ReleaseError, match=r"(?s)behind Nginx.*9\.7\.4 to 9\.8\.4"):
        served.deploy("shop:2", db="mysql:9.8", knows=BOTH, ill_behind_nginx=True)
    assert (world.version(), world.applied, world.mishaps) == ("9.8.4", BOTH, [])
    assert served.served_by == {"shop:1"}
    assert set(served.running.values()) == {"shop:1", "mysql:9.8"}
    assert served.in_force == "shop:1"
    assert config_of(served.root)["db"] == "mysql:9.8", "nothing that Compose does may start the former server"
    assert not (served.root / database_upgrade.JOURNAL).exists()
    world.images.clear()
    assert served.deploy("shop:2", db="mysql:9.8", knows=BOTH).upgraded == ""


def test_going_back_keeps_the_new_server(served):
    served.deploy("shop:2", db="mysql:9.8")
    served.roll_back(1)
    assert set(served.running.values()) == {"shop:1", "mysql:9.8"}
    assert served.world.version() == "9.8.4"
    assert served.in_force == "shop:1"


def test_two_upgrades_keep_the_data_of_both(served):
    served.world.make_volume(FORMER)
    (served.world.data(FORMER) / "mine").touch()
    first = served.world.server_id
    served.deploy("shop:1", db="mysql:9.8")
    served.deploy("shop:1", db="mysql:9.9")
    world = served.world
    assert sorted(world.volumes) == [NAME, FORMER, f"{FORMER}-2", f"{NAME}-9.8"]
    assert [world.version(name) for name in sorted(world.volumes)] == ["9.9.4", "", "9.7.4", "9.8.4"]
    assert (world.data(FORMER) / "mine").exists()
    assert world.applied == ["shop.0001"]
    assert first in database_upgrade.same_data(served.root, world.server_id), "its dumps can be restored"
    assert database_upgrade.same_data(served.root, "another server") == {"another server"}


@pytest.mark.parametrize("state", ["stopped", "gone"])
def test_a_server_that_does_not_run_is_started_for_its_dump(served, state):
    world = served.world
    if state == "gone":
        del world.boxes["shop-db-1"]
    else:
        world.boxes["shop-db-1"].running = False
    served.deploy("shop:2", db="mysql:9.8", knows=BOTH)
    assert (world.applied, world.version(FORMER), world.mishaps) == (BOTH, "9.7.4", [])


def test_what_an_upgrade_keeps_is_removed_on_demand(served):
    served.deploy("shop:2", db="mysql:9.8")
    assert database_restore.remove_former(Volume("shop")) == [FORMER]
    assert list(served.world.volumes) == [NAME]
    assert database_restore.remove_former(Volume("shop")) == []


def test_nothing_but_a_deployment_goes_on_after_an_interrupted_upgrade(served):
    served.deploy("shop:2")
    (served.root / database_upgrade.JOURNAL).write_text("{}")
    with pytest.raises(ReleaseError, match=r"landfall\.django\.deploy"):
        served.roll_back(1)
    with pytest.raises(RestoreError, match=r"landfall\.django\.deploy"):
        database_restore.refuse_interrupted_upgrade(served.root)


def test_a_journal_of_a_newer_version_is_left_alone(served):
    file = served.root / database_upgrade.JOURNAL
    file.write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer"):
        served.deploy("shop:2")
    assert file.exists()


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("services:\n  db:\n    <<: *confined\n    image: mysql:9.7\n    user: x\n", "mysql:9.7"),
        ("services:\n  db:\n\n    image: 'a.b:5000/mysql@sha256:1'\n", "a.b:5000/mysql@sha256:1"),
        ("services:\n  web:\n    image: shop:1\n", None),
        ("services:\n  db:\n    user: x\n  web:\n    image: shop:1\n", None),
    ],
)
def test_the_image_of_the_database_in_compose_yaml(text, image):
    assert database_image(text) == image
    changed = with_database_image(text, "mysql:9.8")
    assert database_image(changed) == (image and "mysql:9.8")
    assert len(changed.splitlines()) == len(text.splitlines())
