# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest
from ansible_collections.landfall.django.plugins.action.lock import is_dead, token
from ansible_collections.landfall.django.plugins.module_utils import _lease, _lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def connection():
    """A process that stands for a play's connection."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def taken(path, name, process, **more):
    return _lease.take(path, f"{name}@laptop", name, watched=process.pid, **more)


def is_free(path):
    with _lock.opened(path) as file:
        return _lock.locked(file)


def becomes_free(path):
    end = time.monotonic() + 5
    while not is_free(path):
        assert time.monotonic() < end
        time.sleep(0.05)
    return True


def test_a_second_process_is_told_who_is_first(path):
    with (
        _lock.held(path, "ann@laptop", patience=0),
        pytest.raises(_lock.HeldError, match=r"ann@laptop is at it since 2\d{3}-"),
        _lock.held(path, "ben@ci", patience=0.1),
    ):
        pass
    with _lock.held(path, "ben@ci", patience=0):
        assert _lock.read(path)["by"] == "ben@ci"


def test_a_lease_outlives_the_task_and_ends_with_the_connection(path, connection):
    assert taken(path, "ann", connection) is None
    assert taken(path, "ben", connection)["by"] == "ann@laptop"
    connection.kill()
    connection.wait()
    assert becomes_free(path)


def test_a_lease_is_let_go_by_whoever_took_it_only(path, connection):
    taken(path, "ann", connection)
    _lease.release(path, "ben")
    assert not is_free(path)
    _lease.release(path, "ann")
    assert becomes_free(path)
    _lease.release(path, "ann")


def test_a_dead_holder_gives_way_while_its_connection_lingers(path, connection):
    taken(path, "ann", connection)
    assert taken(path, "ben", connection, instead_of="cid")["token"] == "ann"
    assert taken(path, "ben", connection, instead_of="ann") is None
    assert _lock.read(path)["by"] == "ben@laptop"
    _lease.release(path, "ben")


def test_the_same_play_may_take_its_lease_again(path, connection):
    assert taken(path, "ann", connection) is None
    assert taken(path, "ann", connection) is None
    _lease.release(path, "ann")
    assert becomes_free(path)


def test_a_process_knows_what_it_was_started_through():
    # No ssh here: the oldest process of the line stands for the connection.
    found = _lease.connection(os.getpid())
    assert _lease.start_time(found)
    assert _lease.start_time(2**30) == ""


def test_only_a_run_of_this_machine_can_be_known_to_be_dead(connection):
    alive = token(connection.pid)
    assert not is_dead(alive)
    assert not is_dead("elsewhere/1/then")
    assert not is_dead("")
    assert is_dead(f"{socket.gethostname()}/{connection.pid}/earlier")
    connection.kill()
    connection.wait()
    assert is_dead(alive)
