# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrations, dumps and the way back over them, on a host that exists in memory."""

from __future__ import annotations

import json
import signal

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError


def test_what_is_in_force_is_the_release_that_serves_while_another_migrates(stack):
    stack.deploy("shop:1")
    seen = []
    execute = stack.world.docker

    def watch(words, files):
        if "run" in words:
            seen.append((stack.in_force, files.name))
        return execute(words, files)

    stack.world.docker = watch
    stack.deploy("shop:2", knows=["shop.0001", "shop.0002"])
    # Compose sees the files of release 2, everybody else those of release 1.
    assert set(seen) == {("shop:1", "2")}


def test_a_dump_is_never_written_over(stack):
    stack.deploy("shop:1")
    for _ in range(2):
        with pytest.raises(ReleaseError, match="migration failed"):
            stack.deploy("shop:2", knows=["shop.0001", "shop.0002", "shop.0003"], breaks_at="shop.0003")
    dumps = [json.loads((stack.ledger.folder(number) / "dump.sql.gz").read_text()) for number in (2, 3)]
    assert dumps == [["shop.0001"], ["shop.0001", "shop.0002"]]


def test_a_migration_of_a_failed_release_is_known_when_going_back(stack):
    stack.deploy("shop:1")
    code = ["shop.0001", "shop.0002"]
    with pytest.raises(ReleaseError, match="not healthy"):
        stack.deploy("shop:2", knows=code, ill=True)
    record = stack.deploy("shop:3", knows=code)
    assert record.migrations == [], "they were applied before"
    # The way back to release 1 needs the dump that its failed successor made.
    assert (stack.ledger.folder(2) / "dump.sql.gz").exists()
    with pytest.raises(ReleaseError, match=r"shop\.0002.*rollback_despite_migrations"):
        stack.roll_back(1)


def test_migrations_that_somebody_applied_by_hand_count(stack):
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    stack.world.apply("stock.0007")
    with pytest.raises(ReleaseError, match=r"stock\.0007"):
        stack.roll_back(1)


def test_migrations_whose_files_were_squashed_away_do_not_count(stack):
    stack.world.apply("shop.0000_gone")
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    assert stack.roll_back(1).rollback_to == 1
    assert stack.served_by == {"shop:1"}


@pytest.mark.parametrize(
    "database",
    [
        {"vendor": "mysql", "server": "another", "schema": "shop"},
        {"vendor": "mysql", "server": "one", "schema": "another"},
        {"vendor": "postgresql", "server": "", "schema": ""},
        {"vendor": "sqlite", "server": "", "schema": ""},
    ],
)
def test_no_dump_of_another_database_than_the_one_that_is_migrated(stack, database):
    stack.deploy("shop:1")
    stack.world.database = database
    code = ["shop.0001", "shop.0002"]
    with pytest.raises(ReleaseError, match="stack_migration_dump"):
        stack.deploy("shop:2", knows=code)
    assert stack.world.applied == ["shop.0001"]
    assert stack.deploy("shop:2", knows=code, options={"migration_dump": False}).migrations == ["shop.0002"]


def test_a_migration_that_still_runs_may_end(stack):
    stack.deploy("shop:1")
    config = {"image": "shop:1", "db": "mysql:9.7"}
    box = stack.world._create("migrate", config, stack.root, once=True)
    box.running = True
    stack.render("shop:2")
    stack.ledger.begin(stack.root / "next", "ann", {}).enter("migrating")
    stack.deploy("shop:2")
    commands = stack.world.commands
    assert commands.index(f"wait {box.name}") < commands.index(f"rm --force {box.name}")


@pytest.mark.parametrize(
    ("command", "times"),
    [
        ("python3 manage.py migrate --noinput", 0),
        ("python3  manage.py migrate --no-input", 0),
        ("python3 manage.py migrate_schemas --noinput", 1),
        ("python3 manage.py migrate --noinput --database=archive", 1),
        ("./migrate.sh", 1),
    ],
)
def test_only_djangos_own_command_is_left_out_where_nothing_is_pending(stack, command, times):
    stack.deploy("shop:1")
    stack.world.commands.clear()
    stack.deploy("shop:2", options={"migrate_command": command})
    assert sum(said.endswith("-T migrate") for said in stack.world.commands) == times


def test_a_migration_that_a_failed_release_has_left_may_end(stack):
    stack.deploy("shop:1")
    box = stack.world._create("migrate", {"image": "shop:1", "db": "mysql:9.7"}, stack.root, once=True)
    box.running = True
    stack.deploy("shop:2")
    commands = stack.world.commands
    assert commands.index(f"wait {box.name}") < commands.index(f"rm --force {box.name}")


def test_a_migration_that_does_not_end_is_named_and_not_cut_off(stack):
    stack.deploy("shop:1")
    box = stack.world._create("migrate", {"image": "shop:1", "db": "mysql:9.7"}, stack.root, once=True)
    box.running = True
    stack.world.refused = ("wait",)
    with pytest.raises(DockerError, match=f"docker rm --force {box.name}"):
        stack.deploy("shop:2")
    assert box.running


def test_a_request_to_end_waits_for_the_migration(stack):
    stack.deploy("shop:1")
    run = stack.world.compose_run

    def interrupted(after, config, files):
        if after[-1] == "migrate":
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
        return run(after, config, files)

    stack.world.compose_run = interrupted
    with pytest.raises(ReleaseError, match="ended by signal"), interrupt.as_exceptions():
        stack.deploy("shop:2", knows=["shop.0001", "shop.0002"], db="mysql:9.7.1")
    assert stack.world.applied == ["shop.0001", "shop.0002"]
    assert stack.running["shop-db-1"] == "mysql:9.7"
