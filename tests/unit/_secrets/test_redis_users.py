# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of users in a real Redis, asked by the libraries that projects use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
import redis
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users
from redis.exceptions import AuthenticationError, NoPermissionError

TASKS = """
import os
from celery import Celery

app = Celery("tasks", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(broker_transport_options={"queue_order_strategy": "priority"}, worker_enable_remote_control=True)


@app.task
def double(number):
    return 2 * number
"""
# As channels-redis has it: what is due is taken out of a sorted set, in one step.
CHANNELS = """
local due = redis.call('ZRANGE', KEYS[1], 0, 0)
redis.call('ZREM', KEYS[1], due[1])
redis.call('EXPIRE', KEYS[1], 60)
redis.call('TIME')
return due[1]
"""


def test_the_list_holds_no_password():
    said = redis_users.acl(["one", "one", "two"], "three")
    assert not {"one", "two", "three"} & set(said.split())
    assert said.count(f"#{redis_users.digest('one')}") == 1
    assert "@all" not in said.replace("-@all", "")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    (folder / "users.acl").write_text(redis_users.acl(["secret"], "administrator"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    options = ["--port", str(number), "--bind", "127.0.0.1", "--aclfile", str(folder / "users.acl"), "--save", ""]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL, cwd=folder) as process:
        end = time.monotonic() + 10
        with socket.socket() as client:
            while client.connect_ex(("127.0.0.1", number)):
                assert time.monotonic() < end
                time.sleep(0.05)
        yield number
        process.kill()


@pytest.fixture
def project(port):
    with redis.Redis(port=port, password="secret", protocol=3, client_name="project") as client:
        yield client


def test_what_caches_and_locks_ask_for_is_allowed(project):
    project.set("one", b"1", ex=60)
    project.expire("one", 60)
    assert project.incr("one") == 2
    assert project.mget(["one", "two"]) == [b"2", None]
    assert project.keys("o*") == list(project.scan_iter("o*")) == [b"one"]
    with project.lock("lock", timeout=5):
        assert project.exists("lock")
    with project.pipeline() as transaction:
        transaction.watch("one")
        transaction.multi()
        transaction.delete("one")
        assert transaction.execute() == [1]
    project.flushdb()
    assert project.info("server")["redis_version"]
    assert [client["name"] for client in project.client_list()] == ["project"]


def test_what_channels_and_queues_ask_for_is_allowed(project):
    project.zadd("channel", {"message": time.time()})
    assert project.eval(CHANNELS, 1, "channel") == b"message"
    listener = project.pubsub()
    listener.psubscribe("event.*")
    listener.get_message(timeout=1)
    assert project.publish("event.one", "x") == 1
    assert listener.get_message(timeout=1)["data"] == b"x"
    assert project.pubsub_numpat() == 1
    project.xadd("stream", {"a": 1})
    project.xgroup_create("stream", "group", id="0")
    assert project.xreadgroup("group", "me", {"stream": ">"})
    project.rpush("list", 3, 1, 2)
    assert project.sort("list") == [b"1", b"2", b"3"]
    assert project.bzpopmin(["nothing"], timeout=0.01) is None
    listener.close()


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET dir",
        "CONFIG SET dir /tmp",
        "ACL SETUSER intruder on nopass +@all",
        "ACL LIST",
        "ACL LOAD",
        "MODULE LOAD /tmp/intruder.so",
        "DEBUG SLEEP 0",
        "SHUTDOWN NOSAVE",
        "REPLICAOF 192.0.2.1 6379",
        "SLAVEOF 192.0.2.1 6379",
        "MIGRATE 192.0.2.1 6379 key 0 100",
        "RESTORE key 0 x",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "FLUSHALL",
        "SWAPDB 0 1",
        "MONITOR",
        "SYNC",
        "PSYNC ? -1",
        "FAILOVER",
        "FUNCTION LOAD x",
        "FUNCTION FLUSH",
        "FCALL x 0",
        "SCRIPT FLUSH",
        "SCRIPT DEBUG YES",
        "CLIENT KILL TYPE normal",
        "CLIENT PAUSE 1000",
        "CLIENT NO-EVICT on",
        "CLUSTER RESET",
        "SLOWLOG RESET",
        "LATENCY RESET",
    ],
)
def test_what_reaches_beyond_the_data_is_refused(project, command):
    # Redis has two of them switched off besides.
    with pytest.raises(redis.ResponseError, match=r"no permissions|command not allowed"):
        project.execute_command(*command.split())


def test_a_script_may_do_no_more_than_its_user(project):
    with pytest.raises(redis.ResponseError, match=r"can't run this command|no permissions"):
        project.eval("return redis.call('FLUSHALL')", 0)


def test_the_administrator_has_the_list_read_again_and_does_nothing_else(port):
    with redis.Redis(port=port, username=redis_users.ADMINISTRATOR, password="administrator", protocol=2) as client:
        assert client.execute_command("ACL", "LOAD") == b"OK"
        for command in (
            "GET one",
            "SET one 1",
            "ACL LIST",
            "ACL SETUSER landfall +@all",
            "CONFIG GET dir",
            "PUBLISH a b",
        ):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())


@pytest.mark.parametrize("login", [{}, {"password": "wrong"}, {"username": "landfall", "password": "secret"}])
def test_nobody_else_comes_in(port, login):
    with redis.Redis(port=port, **login) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_a_worker_serves_its_queue_and_its_results(port, tmp_path):
    (tmp_path / "tasks.py").write_text(TASKS)
    environment = {**os.environ, "REDIS_URL": f"redis://:secret@127.0.0.1:{port}/1"}
    worker = [sys.executable, "-m", "celery", "--app=tasks", "worker", "--pool=solo", "--loglevel=INFO"]
    log = tmp_path / "log"
    ask = "import tasks; print([tasks.double.apply_async([n], priority=n).get(timeout=20) for n in (1, 9)])"
    pinged = "import tasks; print(len(tasks.app.control.ping(timeout=2)), tasks.app.control.purge())"
    with (
        log.open("w") as out,
        subprocess.Popen(worker, cwd=tmp_path, env=environment, stderr=out, stdout=out) as process,
    ):
        said = [
            subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
            for code in (ask, pinged)
        ]
        process.terminate()
    assert [done.stdout.strip() for done in said] == ["[2, 18]", "1 0"], said[0].stderr + log.read_text()
    assert "NOPERM" not in log.read_text().upper()
    assert "no permissions" not in log.read_text()
