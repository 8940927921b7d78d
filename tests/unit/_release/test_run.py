# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a release on a host that exists in memory: what it does, and what is left of one that fails."""

from __future__ import annotations

import json
import signal
import threading

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError


def test_a_first_release_serves(stack):
    record = stack.deploy("shop:1")
    assert (record.release, record.state) == (1, "serving")
    assert stack.served_by == {"shop:1"}
    assert stack.in_force == "shop:1"
    assert record.migrations == ["shop.0001"]
    assert record.dump == "", "an empty database has nothing to lose"
    assert set(stack.running) == {"shop-db-1", "shop-redis-1", "shop-web-1", "shop-celery-1", "shop-celery-beat-1"}


def test_the_record_has_what_the_settings_said(stack):
    stack.deploy("shop:1", profile={"debug": False})
    assert stack.ledger.read()[-1].profile == {"debug": False}
    stack.deploy("shop:2")
    assert stack.ledger.read()[-1].profile == {}


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


def test_what_the_image_has_in_its_static_root_is_served_too(stack):
    stack.deploy("shop:1", options={"static_in_image": True})
    folder = stack.front / "sites/shop/static"
    assert {file.name for file in folder.iterdir()} == {"a.css", "built.css"}
    places = [
        next(n for n, one in enumerate(stack.world.commands) if part in one) for part in ("image-static", "shell -c")
    ]
    assert places == sorted(places), "collectstatic has the last word"


def test_static_files_of_another_storage_are_collected_and_not_served(stack):
    stack.deploy("shop:1", options={"static_release": "", "static_elsewhere": True})
    assert any("'collectstatic'" in one for one in stack.world.commands)
    assert not (stack.front / "sites/shop/static").exists()


def test_going_back_serves_files_at_the_urls_of_then(stack):
    def served() -> list[str]:
        text = (stack.front / "upstreams/shop.locations").read_text()
        return [line.split()[1] for line in text.splitlines() if line.startswith("location")]

    stack.deploy("shop:1")
    stack.deploy("shop:2", options={"static_url": "/assets/", "media_url": ""})
    assert served() == ["/assets/"]
    stack.roll_back(1)
    assert served() == ["/static/", "/media/"]


def test_a_release_that_fails_takes_its_urls_back(stack):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError):
        stack.deploy("shop:2", ill_behind_nginx=True, options={"static_url": "/assets/"})
    assert "location /static/ {" in (stack.front / "upstreams/shop.locations").read_text()


def test_static_files_that_cannot_be_copied_stop_the_release(stack):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError, match=r"STATIC_ROOT.*Permission denied"):
        stack.deploy("shop:2", unreadable=True, options={"static_in_image": True})
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


def test_services_go_back_with_a_release_that_fails(stack):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError):
        stack.deploy("shop:2", db="mysql:9.7.1", ill=True)
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
        stack.deploy("shop:2", db="mysql:9.7.1", ill=True)
    said = str(failed.value)
    assert said.index("not healthy") < said.index("bring back the former")


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


def test_a_failed_check_names_its_variable_and_leaves_no_container(stack):
    stack.deploy("shop:1")
    world, run, present = stack.world, stack.world.compose_run, stack.present

    def lasting(after, config, files):
        # As where the client was ended, and its container goes on.
        world._create("collectstatic", config, files, once=True)
        return run(after, config, files)

    world.compose_run = lasting
    with pytest.raises(ReleaseError, match="stack_check_level") as caught:
        stack.deploy("shop:2", unfit=True)
    assert "not fit" in str(caught.value)
    assert "landfall-failed" not in str(caught.value), "the mark is for the program"
    assert stack.present == present
    assert not [box for box in world.boxes.values() if box.once]


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


def test_workers_start_beside_the_switch(stack):
    stack.deploy("shop:1")
    world, start, reload = stack.world, stack.world.do_start, stack.world.reload
    switched, waited = threading.Event(), []

    def starts(rest):
        if "shop-celery-2" in rest:
            waited.append(switched.wait(20))
        return start(rest)

    def reloads():
        reload()
        switched.set()

    world.do_start, world.reload = starts, reloads
    stack.deploy("shop:2")
    assert waited == [True], "visitors wait for no worker"


def starting(world, name, until=lambda: False):
    """From now on a container is not healthy yet, `until` something is so."""
    inspected = world.inspected

    def becoming(box):
        said = inspected(box)
        if box.name == name and box.running and not until():
            said["State"]["Health"]["Status"] = "starting"
        return said

    world.inspected = becoming


def test_beat_is_replaced_while_the_workers_become_healthy(stack):
    stack.deploy("shop:1")
    starting(stack.world, "shop-celery-2", until=lambda: "shop-celery-beat-2" in stack.running)
    assert stack.deploy("shop:2").state == "serving"
    assert "shop-celery-beat-1" not in stack.present


def test_the_former_beat_runs_again_where_the_workers_never_become_healthy(stack):
    stack.deploy("shop:1")
    before = (stack.running, stack.present, stack.in_force, stack.served_by)
    starting(stack.world, "shop-celery-2")
    with pytest.raises(ReleaseError, match="shop-celery-2 was not healthy"):
        stack.deploy("shop:2")
    assert (stack.running, stack.present, stack.in_force, stack.served_by) == before
    commands = stack.world.commands
    assert "kill --signal=TERM shop-celery-1" not in commands, "only who has successors is asked to end"
    # Never two of them, on the way back either.
    assert commands.index("stop shop-celery-beat-2") < commands.index("restart shop-celery-beat-1")


def test_a_worker_that_does_not_start_ends_what_the_switch_began(stack):
    stack.deploy("shop:1")
    before = (stack.running, stack.present, stack.in_force, stack.served_by)
    stack.world.refused = ("start shop-celery-2",)
    with pytest.raises(ReleaseError, match="start shop-celery-2"):
        stack.deploy("shop:2")
    assert (stack.running, stack.present, stack.in_force, stack.served_by) == before


def test_a_release_with_nothing_to_do_asks_docker_little(stack):
    stack.deploy("shop:1")
    stack.world.commands.clear()
    assert stack.deploy("shop:1") is None
    assert len(stack.world.commands) <= 10, stack.world.commands


def test_what_is_left_of_the_others_goes_while_the_workers_end(stack):
    stack.deploy("shop:1")
    stack.world.commands.clear()
    stack.deploy("shop:2")
    commands = stack.world.commands
    asked, gone = commands.index("kill --signal=TERM shop-celery-1"), commands.index("rm --force shop-celery-1")
    assert asked < commands.index("rm --force shop-celery-beat-1") < gone
    assert "stop shop-celery-1" not in commands, "it has ended already"


def test_going_back_asks_for_migrations_while_it_looks_at_the_host(stack):
    stack.deploy("shop:1")
    stack.deploy("shop:2")
    world, run, create = stack.world, stack.world.compose_run, stack.world.compose
    asks, looked = threading.Event(), threading.Event()

    def answers(after, config, files):
        asks.set()
        assert looked.wait(20), "the look at the host does not wait for the answer"
        return run(after, config, files)

    def compares(rest, files):
        if "--dry-run" in rest:
            assert asks.wait(20)
            looked.set()
        return create(rest, files)

    world.compose_run, world.compose = answers, compares
    assert stack.roll_back(1).rollback_to == 1
    assert stack.served_by == {"shop:1"}


def test_a_refused_way_back_leaves_no_record(stack):
    stack.deploy("shop:1")
    stack.deploy("shop:2", knows=["shop.0001", "shop.0002"])
    with pytest.raises(ReleaseError, match="rollback_despite_migrations"):
        stack.roll_back(1)
    assert stack.states() == ["serving", "serving"]
    assert stack.served_by == {"shop:2"}
