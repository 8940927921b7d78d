# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.landfall.django.plugins.action.lock import is_dead, is_lockstep, strategy, token
from ansible_collections.landfall.django.plugins.module_utils._files import lease, lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def connection():
    """A process that stands for a play's connection."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def taken(path, play, process, **more):
    return lease.take(path, f"{play}@laptop", play, watched=process.pid, **more)


def is_free(path):
    with lock.open_lock(path) as file:
        return lock.try_lock(file)


def becomes_free(path):
    end = time.monotonic() + 5
    while not is_free(path):
        assert time.monotonic() < end
        time.sleep(0.05)
    return True


def test_a_second_process_is_told_who_is_first(path):
    with (
        lock.held(path, "ann@laptop", patience=0),
        pytest.raises(lock.HeldError, match=r"ann@laptop .*since 2\d{3}-"),
        lock.held(path, "ben@ci", patience=0.1),
    ):
        pass
    with lock.held(path, "ben@ci", patience=0):
        assert lock.read(path)["by"] == "ben@ci"


def test_a_lease_outlives_the_task_and_ends_with_the_connection(path, connection):
    assert taken(path, "ann", connection).holder is None
    assert taken(path, "ben", connection).holder["by"] == "ann@laptop"
    connection.kill()
    connection.wait()
    assert becomes_free(path)


def test_a_lease_is_let_go_by_whoever_took_it_only(path, connection):
    taken(path, "ann", connection)
    lease.release(path, "ben")
    assert not is_free(path)
    lease.release(path, "ann")
    assert becomes_free(path)
    lease.release(path, "ann")


def test_a_dead_holder_gives_way_while_its_connection_lingers(path, connection):
    taken(path, "ann", connection)
    assert taken(path, "ben", connection, instead_of="cid").holder["token"] == "ann"
    assert taken(path, "ben", connection, instead_of="ann").holder is None
    assert lock.read(path)["by"] == "ben@laptop"
    lease.release(path, "ben")


def test_the_same_play_may_take_its_lease_again(path, connection):
    assert taken(path, "ann", connection) == lease.Taken()
    assert taken(path, "ann", connection) == lease.Taken()
    lease.release(path, "ann")
    assert becomes_free(path)


def test_each_name_of_a_host_has_its_turn_in_one_play(path, connection):
    names = ["shop", "blog", "shop", "wiki", "blog"]
    assert [taken(path, "ann", connection, name=name).turn for name in names] == [0, 1, 0, 2, 1]
    assert taken(path, "ben", connection, name="shop").holder["token"] == "ann"
    lease.release(path, "ann")
    assert becomes_free(path)
    assert taken(path, "ben", connection, name="blog") == lease.Taken(turn=0)
    lease.release(path, "ben")


def test_names_that_come_at_once_have_turns_of_their_own(path, connection):
    """They are tasks of several processes, and meet at any moment, also when the play has had the lock before."""
    taken(path, "ann", connection, name="wiki")
    lease.release(path, "ann")
    assert becomes_free(path)

    program = (
        "import pathlib, sys; from ansible_collections.landfall.django.plugins.module_utils._files import lease;"
        "path, watched, name = sys.argv[1:];"
        "print(lease.take(pathlib.Path(path), 'ann', 'ann', watched=int(watched), name=name).turn)"
    )
    commands = [[sys.executable, "-c", program, str(path), str(connection.pid), name] for name in ("shop", "blog")]
    tasks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    assert sorted(task.communicate()[0] for task in tasks) == ["0\n", "1\n"]
    lease.release(path, "ann")


def test_a_holder_that_has_not_written_its_name_yet_may_be_of_the_same_play(path, connection):
    with lock.open_lock(path) as file:
        assert lock.try_lock(file)
        with ThreadPoolExecutor(1) as beside:
            later = beside.submit(taken, path, "ann", connection, name="blog")
            time.sleep(0.2)
            lock.write(file, {"by": "ann", "token": "ann", "names": ["shop"]})
            time.sleep(0.2)
            fcntl.flock(file, fcntl.LOCK_UN)
            assert later.result() == lease.Taken(turn=1)
    lease.release(path, "ann")


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("linear", True),
        ("ansible.builtin.linear", True),
        ("debug", True),
        ("mitogen_linear", True),
        ("free", False),
        ("ansible.builtin.host_pinned", False),
        ("mitogen_free", False),
    ],
)
def test_names_share_a_lock_only_where_all_hosts_go_together(name, together):
    play = types.SimpleNamespace(strategy=name)
    task = types.SimpleNamespace(_parent=types.SimpleNamespace(_parent=types.SimpleNamespace(_play=play)))
    assert strategy(task) == name
    assert is_lockstep(name) is together


def test_a_process_knows_what_it_was_started_through():
    # No ssh here: the oldest process of the line stands for the connection.
    found = lease.connection(os.getpid())
    assert lease.start_time(found)
    assert lease.start_time(2**30) == ""


def test_only_a_run_of_this_machine_can_be_known_to_be_dead(connection):
    alive = token(connection.pid)
    assert not is_dead(alive)
    assert not is_dead(f"{alive}/shop")
    assert not is_dead("elsewhere/1/then")
    assert not is_dead("")
    assert is_dead(f"{socket.gethostname()}/{connection.pid}/earlier")
    connection.kill()
    connection.wait()
    assert is_dead(alive)
    assert is_dead(f"{alive}/shop")
