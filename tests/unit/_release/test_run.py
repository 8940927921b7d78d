# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a release on a host that exists in memory: what it does, and what is left of one that fails."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._release.undo import problems_of
from ansible_collections.landfall.django.plugins.modules import stack_removal


def test_a_first_release_serves(stack):
    record = stack.deploy("shop:1")
    assert (record.release, record.state) == (1, "serving")
    assert stack.served_by == {"shop:1"}
    assert stack.in_force == "shop:1"
    assert record.migrations == ["shop.0001"]
    assert record.dump == "", "an empty database has nothing to lose"
    assert set(stack.running) == {"shop-db-1", "shop-redis-1", "shop-web-1", "shop-celery-1", "shop-celery-beat-1"}


def test_nothing_to_do_changes_nothing(stack):
    stack.deploy("shop:1")
    before = stack.running
    assert stack.deploy("shop:1") is None
    assert stack.running == before
    assert stack.states() == ["serving"]


def test_a_release_replaces_everything_of_the_project_and_nothing_else(stack):
    stack.deploy("shop:1")
    record = stack.deploy("shop:2", knows=["shop.0001", "shop.0002"])
    assert stack.served_by == {"shop:2"}
    assert set(stack.running.values()) == {"shop:2", "mysql:9.7"}
    assert record.migrations == ["shop.0002"]
    assert json.loads((stack.ledger.folder(2) / "dump.sql.gz").read_text()) == ["shop.0001"]
    # One beat at a time: the old one is gone before the new one starts.
    commands = stack.world.commands
    assert commands.index("stop shop-celery-beat-1") < commands.index("start shop-celery-beat-2")
    assert commands.index("start shop-celery-2") < commands.index("kill --signal=TERM shop-celery-1")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ({"unfit": True}, "stack_check_level"),
        ({"exits": True}, "exited with code"),
        ({"ill": True}, "not healthy within 5 seconds"),
        ({"ill_behind_nginx": True}, "answers 500"),
    ],
)
def test_a_release_that_fails_leaves_nothing_but_its_record(stack, code, words):
    stack.deploy("shop:1")
    before = (stack.running, stack.present, stack.in_force, stack.served_by)
    with pytest.raises(ReleaseError, match=words):
        stack.deploy("shop:2", **code)
    assert (stack.running, stack.present, stack.in_force, stack.served_by) == before
    assert stack.states() == ["serving", "failed"]
    assert words in stack.ledger.read()[1].error + (stack.ledger.folder(2) / "log").read_text()


def test_of_a_failed_first_release_nothing_runs_and_nothing_is_in_force(stack):
    with pytest.raises(ReleaseError):
        stack.deploy("shop:1", ill=True)
    assert stack.present == set()
    assert stack.in_force == ""
    assert "shop_front" not in stack.world.boxes["nginx-edge-1"].networks
    assert (stack.front / "upstreams/shop.conf").read_text() == "# no release yet\n"


def test_nothing_of_a_first_release_that_nginx_refuses_stays_in_the_front(stack):
    stack.world.refused = ("exec nginx-nginx-1 nginx -t",)
    with pytest.raises(ReleaseError, match="refused"):
        stack.deploy("shop:1")
    assert (stack.front / "upstreams/shop.conf").read_text() == "# no release yet\n"
    assert stack.named == set()


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
    stack.world.applied.append("stock.0007")
    with pytest.raises(ReleaseError, match=r"stock\.0007"):
        stack.roll_back(1)


def test_migrations_whose_files_were_squashed_away_do_not_count(stack):
    stack.world.applied.append("shop.0000_gone")
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    assert stack.roll_back(1).rollback_to == 1
    assert stack.served_by == {"shop:1"}


def test_going_back_serves_the_static_files_of_then(stack):
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    stylesheet = stack.front / "sites/shop/static/a.css"
    assert stylesheet.read_text() == "shop:2"
    stack.roll_back(1)
    assert stylesheet.read_text() == "shop:1"


def test_a_release_that_fails_takes_its_static_files_back(stack):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError):
        stack.deploy("shop:2", ill_behind_nginx=True)
    assert (stack.front / "sites/shop/static/a.css").read_text() == "shop:1"


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


def test_services_go_back_with_a_release_that_fails(stack):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError):
        stack.deploy("shop:2", db="mysql:9.8", ill=True)
    assert stack.running["shop-db-1"] == "mysql:9.7"


def test_that_services_could_not_go_back_is_told_after_the_first_error(stack):
    stack.deploy("shop:1")
    world = stack.world
    up = world.compose_up

    def once(after, config, files):
        if files == stack.root:
            raise RuntimeError("no way back")
        return up(after, config, files)

    world.compose_up = once
    with pytest.raises(ReleaseError) as failed:
        stack.deploy("shop:2", db="mysql:9.8", ill=True)
    said = str(failed.value)
    assert said.index("not healthy") < said.index("bring back the former")


def test_a_reload_that_failed_is_made_up_for(stack):
    """What Nginx has loaded is asked, not what its file says."""
    stack.deploy("shop:1")
    world = stack.world
    # Somebody else's reload failed once, with the file of the new containers in place.
    stack.deploy("shop:2")
    former = world.loaded["shop"]
    world.loaded["shop"] = "shop: shop-web-1"
    assert stack.served_by == {"nobody"}
    assert stack.deploy("shop:2").state == "serving"
    assert world.loaded["shop"] == former
    assert stack.served_by == {"shop:2"}


def test_nginx_that_freezes_while_it_reloads_never_meets_a_container_that_is_gone(stack):
    stack.deploy("shop:1")
    world = stack.world
    execute = world.do_exec

    def freeze(rest):
        if "reload" in rest:
            world.frozen = True
        return execute(rest)

    world.do_exec = freeze
    with pytest.raises(ReleaseError, match="did not load"):
        stack.deploy("shop:2")
    assert stack.named <= set(stack.running), "whatever it loads when it wakes up"
    world.do_exec, world.frozen = execute, False
    world.reload()
    assert stack.served_by == {"shop:1"}
    stack.deploy("shop:2")
    assert stack.served_by == {"shop:2"}
    assert set(stack.running.values()) == {"shop:2", "mysql:9.7"}


def test_trouble_with_what_was_before_is_a_warning(stack):
    stack.deploy("shop:1")
    stack.world.refused = ("kill --signal=TERM shop-celery-1", "image prune")
    record = stack.deploy("shop:2")
    assert record.state == "serving"
    assert len(record.warnings) == 2
    assert stack.served_by == {"shop:2"}
    assert stack.serving() == 2


def test_what_ignores_the_request_to_end_is_named(stack):
    stack.deploy("shop:1")
    stop = stack.world.do_stop

    def killed(rest):
        stop(rest)
        for name in rest:
            stack.world.boxes[name].code = 137 if "web" in name else 0
        return ""

    stack.world.do_stop = killed
    record = stack.deploy("shop:2")
    assert [warning for warning in record.warnings if "shop-web-1" in warning and "stop_grace_period" in warning]


@pytest.mark.parametrize("name", [".env", "compose.yaml", "compose.override.yaml"])
def test_a_file_that_somebody_deleted_comes_back(stack, name):
    stack.deploy("shop:1")
    (stack.root / name).unlink()
    stack.deploy("shop:1")
    assert (stack.root / name).read_bytes() == (stack.ledger.folder(1) / name).read_bytes()
    (stack.root / name).unlink()
    stack.deploy("shop:2")
    assert stack.served_by == {"shop:2"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "x"}'])
def test_a_record_that_cannot_be_read_holds_nothing_up(stack, text):
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    (stack.ledger.folder(1) / "record.json").write_text(text)
    assert stack.states() == ["unreadable", "serving"]
    assert stack.deploy("shop:3").release == 3


def test_static_files_that_are_gone_are_published_again(stack):
    stack.deploy("shop:1")
    (stack.front / "sites/shop/static/a.css").unlink()
    stack.deploy("shop:1")
    assert (stack.front / "sites/shop/static/a.css").exists()


def test_what_was_interrupted_is_told(stack):
    stack.deploy("shop:1")
    stack.render("shop:2")
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("migrating")
    stack.deploy("shop:3")
    records = stack.ledger.read()
    assert [record.state for record in records] == ["serving", "failed", "serving"]
    assert "migrating" in records[1].error


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


def test_a_failed_check_does_not_wait_for_static_files(stack):
    stack.deploy("shop:1")
    world, run = stack.world, stack.world.compose_run
    begun, ended = threading.Event(), threading.Event()

    def slow(after, config, files):
        if "check" in after:
            begun.wait(5)
        if "collectstatic" not in after[1:]:
            return run(after, config, files)
        box = world._create("collectstatic", config, files, once=True)
        begun.set()
        for _ in range(500):
            if box.name not in world.boxes:
                ended.set()
                break
            time.sleep(0.01)
        return ""

    world.compose_run = slow
    with pytest.raises(ReleaseError, match="stack_check_level"):
        stack.deploy("shop:2", unfit=True)
    assert ended.is_set()


def test_the_former_beat_runs_again_where_a_signal_came_while_it_stopped(stack):
    stack.deploy("shop:1")
    world, stop, restart = stack.world, stack.world.do_stop, stack.world.do_restart
    stopping = set()

    def interrupted(rest):
        if rest == ["shop-celery-beat-1"]:
            stopping.update(rest)
            signal.raise_signal(signal.SIGTERM)
        return stop(rest)

    def restarted(rest):
        restart(rest)
        stopping.difference_update(rest)
        return ""

    world.do_stop = interrupted
    world.do_restart = restarted
    with pytest.raises(ReleaseError, match="ended by signal"), interrupt.as_exceptions():
        stack.deploy("shop:2")
    assert not stopping, "the engine goes on without its client"


def test_docker_has_the_time_that_a_worker_has_to_stop(stack):
    options = {"stop_timeout": 7200}
    stack.deploy("shop:1", options=options)
    execute, limits = stack.world.execute, []

    def watched(command, given, timeout, merge):
        if "stop" in command:
            limits.append(timeout)
        return execute(command, given, timeout, merge)

    stack.world.execute = watched
    stack.deploy("shop:2", options=options)
    assert limits
    assert min(limits) > 7200


def test_what_was_before_goes_where_nginx_has_ended_meanwhile(stack):
    stack.deploy("shop:1")
    world, kill = stack.world, stack.world.do_kill

    def ends(rest):
        world.boxes["nginx-nginx-1"].running = False
        return kill(rest)

    world.do_kill = ends
    record = stack.deploy("shop:2")
    assert record.warnings == []
    assert "shop-web-1" not in stack.present


@pytest.mark.parametrize("before", [[], ["shop:1"]])
def test_the_files_of_a_switch_that_was_cut_off_do_not_stay_in_force(stack, before):
    for image in before:
        stack.deploy(image)
    stack.render("shop:2")
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("switching")
    for name in ("compose.yaml", "compose.override.yaml"):
        (stack.root / name).write_bytes((journal.folder / name).read_bytes())
    with pytest.raises(ReleaseError):
        stack.deploy("shop:3", unfit=True)
    assert stack.in_force == "".join(before)


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
        if "migrate" in after[-1]:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
        return run(after, config, files)

    stack.world.compose_run = interrupted
    with pytest.raises(ReleaseError, match="ended by signal"), interrupt.as_exceptions():
        stack.deploy("shop:2", knows=["shop.0001", "shop.0002"], db="mysql:9.8")
    assert stack.world.applied == ["shop.0001", "shop.0002"]
    assert stack.running["shop-db-1"] == "mysql:9.7"


def test_old_releases_keep_their_record_only(stack):
    for number in range(1, 5):
        stack.deploy(f"shop:{number}", options={"releases_kept": 2})
    files = {number: sorted(path.name for path in stack.ledger.folder(number).iterdir()) for number in range(1, 5)}
    assert files[1] == files[2] == ["record.json"]
    assert ".env" in files[3]
    assert set(stack.world.images) == {"shop:3", "shop:4"}
    with pytest.raises(LookupError, match="release 1 is not kept"):
        stack.roll_back(1)


def test_nothing_is_deployed_over_a_restore_that_was_interrupted(stack):
    stack.deploy("shop:1")
    (stack.root / "restore").mkdir()
    (stack.root / "restore/journal.json").write_text("{}")
    with pytest.raises(ReleaseError, match=r"landfall\.django\.restore"):
        stack.deploy("shop:2")
    assert stack.states() == ["serving"]


def test_a_container_that_a_killed_run_has_left_must_be_healthy(stack):
    """It is as its files want it, and nobody has asked for its health yet."""
    stack.deploy("shop:1")
    stack.render("shop:2", ill=True)
    journal = stack.ledger.begin(stack.root / "next", "ann", {})
    journal.enter("starting")
    stack.world._create("web", {"image": "shop:2"}, stack.root / "next").running = True
    with pytest.raises(ReleaseError, match="not healthy"):
        stack.deploy("shop:2")
    assert stack.served_by == {"shop:1"}


def test_a_stack_goes_where_the_front_is_down(stack, tmp_path):
    stack.deploy("shop:1")
    for name in ("nginx-nginx-1", "nginx-edge-1"):
        stack.world.boxes[name].running = False
    given = {
        "project_src": str(stack.root),
        "project_name": "shop",
        "front_root": str(stack.front),
        "front_network": "shop_front",
    }
    assert problems_of(stack_removal.removal(given, data=False)) == []
    assert stack.present == set()
    assert "shop_front" not in stack.world.boxes["nginx-edge-1"].networks
    assert not (stack.front / "upstreams/shop.conf").exists()


def test_what_could_not_be_removed_is_told_and_the_rest_is_gone(stack):
    stack.deploy("shop:1")
    stack.world.refused = ("exec nginx-nginx-1 nginx -s reload",)
    given = {
        "project_src": str(stack.root),
        "project_name": "shop",
        "front_root": str(stack.front),
        "front_network": "shop_front",
    }
    (problem,) = problems_of(stack_removal.removal(given, data=False))
    assert "Nginx" in problem
    assert stack.present == set()
    assert stack_removal.known_to(Front(str(stack.front)), "shop"), "the next run goes on with it"
