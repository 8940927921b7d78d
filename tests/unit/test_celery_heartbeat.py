# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""celery_heartbeat.py against a real Celery and a real redis-server."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.processes import REQUEUE_SIGNAL, REQUEUED

HEARTBEAT = Path(__file__).parents[2] / "roles/stack/files/celery_heartbeat.py"
STALL = "3"
FRESH = "5"  # seconds; a worker beats every 2
PROJECT = """
import os, time
from celery import Celery
from celery.beat import Scheduler

app = Celery("proj", broker=os.environ["BROKER"])
app.conf.task_acks_late = bool(os.environ.get("LATE"))
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True, task_default_queue="work")
if os.environ.get("TELLING"):
    from celery.signals import worker_process_shutdown

    @worker_process_shutdown.connect
    def tell(**_):
        time.sleep(0.5)
        print("told all", flush=True)


if os.environ.get("TICKING"):
    app.conf.beat_schedule = {"tick": {"task": "proj.nap", "args": [0], "schedule": 1.0}}


class OwnScheduler(Scheduler):
    def tick(self, *args, **kwargs):
        print("own tick", flush=True)
        return super().tick(*args, **kwargs)


@app.task
def nap(seconds):
    time.sleep(seconds)


@app.task
def nap_within(seconds):
    nap.apply(args=[0])
    time.sleep(seconds)
"""


class Redis:
    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self.answers, 10)

    def answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Celery:
    """One `celery` started through the file under test, in a session of its own."""

    def __init__(self, folder: Path, broker: str, *arguments: str, **environment: str) -> None:
        folder.mkdir()
        (folder / "proj.py").write_text(PROJECT)
        self.folder, self.file, self.log = folder, folder / "heartbeat", folder / "log"
        self.environment = {
            **os.environ,
            "BROKER": broker,
            "CELERY_HEARTBEAT_FILE": str(self.file),
            "CELERY_HEARTBEAT_STALL": STALL,
            **environment,
        }
        self.started = time.time()
        command = [sys.executable, str(HEARTBEAT), "-A", "proj", *arguments, "--loglevel", "INFO"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def check(self, seconds: str = FRESH) -> subprocess.CompletedProcess[str]:
        command = ["python3", "-S", "-E", str(HEARTBEAT), "--check", seconds]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def becomes(self, healthy: bool, timeout: float = 15) -> None:
        wait_for(lambda: (self.check().returncode == 0) is healthy, timeout, self.log)

    def stays_healthy(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            result = self.check()
            assert result.returncode == 0, result.stdout + self.log.read_text()
            time.sleep(0.2)

    def naps(self, count: int, seconds: float, task: str = "nap") -> None:
        code = f"import proj\nfor _ in range({count}): proj.{task}.delay({seconds})"
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, env=self.environment, check=True)

    def waiting(self) -> int:
        """How many tasks wait in the broker's queue."""
        code = "import proj\nwith proj.app.connection() as c: print(c.default_channel.client.llen('work'))"
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    def children(self) -> list[int]:
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def wait_for(condition: Callable[[], object], timeout: float, log: Path | None = None) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s:\n{log.read_text() if log else ''}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    server = Redis()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, redis: Redis) -> Iterator[Callable[..., Celery]]:
    started: list[Celery] = []
    root = tmp_path_factory.mktemp("celery")

    def starter(*arguments: str, broker: Redis = redis, **environment: str) -> Celery:
        number = len(started)  # a database each, so that no worker takes another test's tasks
        started.append(
            Celery(root / str(number), f"redis://127.0.0.1:{broker.port}/{number}", *arguments, **environment)
        )
        return started[-1]

    yield starter
    for celery in started:
        celery.stop()


WORKER = ("worker", "--concurrency", "2", "--without-mingle", "--without-gossip")


@pytest.fixture(scope="module")
def idle_beat(start: Callable[..., Celery]) -> Celery:
    return start("beat", "--scheduler", "proj:OwnScheduler")


@pytest.fixture(scope="module")
def busy_worker(start: Callable[..., Celery]) -> Celery:
    worker = start(*WORKER)
    worker.naps(6, 300)
    return worker


@pytest.fixture(scope="module")
def frozen_pool(start: Callable[..., Celery]) -> Celery:
    worker = start(*WORKER)
    wait_for(lambda: " ready." in worker.log.read_text(), 15, worker.log)
    assert len(worker.children()) == 2
    for pid in worker.children():
        os.kill(pid, signal.SIGSTOP)
    return worker


@pytest.mark.usefixtures("idle_beat", "busy_worker", "frozen_pool")  # they age while the next tests run
def test_worker_beats_and_its_freeze_is_noticed(start: Callable[..., Celery]) -> None:
    """With an embedded beat too, whose ticks go on while the worker itself is frozen."""
    worker = start(*WORKER, "-B", TICKING="1")
    assert worker.check().returncode == 1
    worker.becomes(healthy=True)
    worker.stays_healthy(float(FRESH) + 1)
    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.becomes(healthy=False)
    assert "last heartbeat" in worker.check().stdout
    os.kill(worker.process.pid, signal.SIGCONT)
    worker.becomes(healthy=True)


def test_lost_broker_is_noticed(start: Callable[..., Celery]) -> None:
    broker = Redis()
    try:
        workers = [start(*WORKER, broker=broker), start(*WORKER, "--without-heartbeat", broker=broker)]
        for worker in workers:
            worker.becomes(healthy=True)
        workers[1].stays_healthy(float(FRESH) + 1)
        broker.stop()
        for worker in workers:
            worker.becomes(healthy=False)
        broker.start()
        for worker in workers:
            worker.becomes(healthy=True)
    finally:
        broker.stop()


@pytest.mark.parametrize("late", ["", "1"], ids=["acknowledged early", "acknowledged late"])
def test_what_a_worker_cannot_end_is_given_back(start: Callable[..., Celery], late: str) -> None:
    worker = start(*WORKER, LATE=late)
    worker.naps(3, 60)
    wait_for(lambda: worker.log.read_text().count("received") == 3, 15, worker.log)
    os.kill(worker.process.pid, signal.SIGTERM)
    wait_for(lambda: "Warm shutdown" in worker.log.read_text(), 10, worker.log)
    assert worker.process.poll() is None, "it waits for its tasks"
    os.kill(worker.process.pid, signal.Signals[f"SIG{REQUEUE_SIGNAL}"])
    worker.process.wait(15)
    assert worker.log.read_text().count(f"{REQUEUED} proj.nap[") == 2
    assert worker.waiting() == 3


def test_the_project_hears_of_the_end_of_an_idle_pool(start: Callable[..., Celery]) -> None:
    worker = start(*WORKER, TELLING="1")
    wait_for(lambda: " ready." in worker.log.read_text(), 15, worker.log)
    os.kill(worker.process.pid, signal.SIGTERM)
    worker.process.wait(15)
    assert worker.log.read_text().count("told all") == 2


@pytest.mark.parametrize(
    ("worked", "exitcode", "cut"), [(None, 0, True), (-10.0, 0, True), (0.0, 0, False), (None, 1, False)]
)
def test_only_a_process_of_the_pool_that_worked_at_nothing_ends_at_once(
    worked: float | None, exitcode: int, cut: bool
) -> None:
    spec = importlib.util.spec_from_file_location("celery_heartbeat", HEARTBEAT)
    assert spec
    assert spec.loader
    heartbeat = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(heartbeat)
    process = heartbeat.PoolProcess()
    if worked is not None:
        process.worked = time.monotonic() + worked
    child = os.fork()
    if child == 0:
        process.on_shutdown(exitcode=exitcode)
        # As billiard does.
        time.sleep(30 if cut else 1)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if cut else 7)


def test_restart_by_signal_keeps_the_heartbeat(start: Callable[..., Celery]) -> None:
    worker = start(*WORKER)
    wait_for(lambda: " ready." in worker.log.read_text(), 10, worker.log)
    os.kill(worker.process.pid, signal.SIGHUP)
    wait_for(lambda: worker.log.read_text().count(" ready.") == 2, 10, worker.log)
    worker.file.unlink()
    worker.becomes(healthy=True)


def test_frozen_pool_is_noticed_once_work_waits(frozen_pool: Celery) -> None:
    assert frozen_pool.check().returncode == 0, "nothing waits, so nothing is wrong"
    frozen_pool.naps(1, 0)
    frozen_pool.becomes(healthy=False)
    for pid in frozen_pool.children():
        os.kill(pid, signal.SIGCONT)
    frozen_pool.becomes(healthy=True)


def test_busy_pool_is_healthy(busy_worker: Celery) -> None:
    wait_for(lambda: busy_worker.log.read_text().count("received") == 6, 15, busy_worker.log)
    long_enough = busy_worker.started + 4 * float(STALL)
    busy_worker.stays_healthy(max(float(FRESH), long_enough - time.time()))


@pytest.mark.parametrize("task", ["nap", "nap_within"])
def test_a_long_task_of_the_solo_pool_is_no_freeze_and_a_freeze_after_it_is(
    start: Callable[..., Celery], task: str
) -> None:
    celery = start("worker", "--pool=solo")
    celery.becomes(True)
    celery.naps(1, 8, task)
    wait_for(lambda: celery.file.stat().st_mtime > time.time() + 60, 15, celery.log)
    celery.stays_healthy(7)
    wait_for(lambda: celery.file.stat().st_mtime <= time.time(), 15, celery.log)
    os.kill(celery.process.pid, signal.SIGSTOP)
    celery.becomes(False)


def test_idle_beat_with_own_scheduler_beats_and_its_freeze_is_noticed(idle_beat: Celery) -> None:
    """With nothing due the file is touched every 10 s, though beat would sleep five minutes."""
    wait_for(idle_beat.file.exists, 15, idle_beat.log)
    wait_for(lambda: idle_beat.file.stat().st_mtime > idle_beat.started + 10, 15, idle_beat.log)
    assert idle_beat.check("12").returncode == 0
    assert idle_beat.log.read_text().count("own tick") >= 2
    os.kill(idle_beat.process.pid, signal.SIGSTOP)
    idle_beat.becomes(healthy=False)


def test_is_the_celery_command_otherwise(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text("import sys, celery\nprint(sys.argv, sys.path)\napp = celery.Celery()")
    environment = {**os.environ, "CELERY_HEARTBEAT_FILE": str(tmp_path / "heartbeat")}

    def celery(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(HEARTBEAT), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    report = celery("-A", "proj", "report")
    assert report.returncode == 0
    assert "['celery', '-A', 'proj', 'report']" in report.stdout
    assert str(tmp_path) in report.stdout
    assert str(HEARTBEAT.parent) not in report.stdout
    wrong = celery("wrong")
    assert wrong.returncode == 2
    assert "Usage: celery " in wrong.stderr


def test_check_is_light(tmp_path: Path) -> None:
    environment = {**os.environ, "CELERY_HEARTBEAT_FILE": str(tmp_path / "heartbeat")}
    command = ["python3", "-S", "-E", "-X", "importtime", str(HEARTBEAT), "--check", "30"]

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    missing = check()
    assert missing.returncode == 1
    assert "no heartbeat yet" in missing.stdout
    assert not {"celery", "typing", "re", "collections"} & set(missing.stderr.split())
    (tmp_path / "heartbeat").touch()
    assert check().returncode == 0
    os.utime(tmp_path / "heartbeat", (0, time.time() - 31))
    assert check().returncode == 1
