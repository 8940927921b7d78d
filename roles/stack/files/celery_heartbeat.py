# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run Celery so that a frozen worker or beat can be told from a working one, and tell it.

    python3 celery_heartbeat.py -A shop worker --loglevel INFO    is `celery -A shop worker ...` with a heartbeat file
    python3 -S -E celery_heartbeat.py --check 30                  exits 0 when that file is younger than 30 seconds

`celery inspect ping` imports the application each time and fails while every pool slot is busy. The check here costs
a few milliseconds, and a worker beats only while its event loop turns, its broker answers and its pool takes work.
It cannot see a pool that froze inside tasks it had accepted: from outside, those are long tasks. The pool `solo` runs
a task in the worker itself, whose loop stands still meanwhile: the file's time is then in the future until the end.

A process of the pool without a task ends at once, where billiard would let it sleep for a second: a release waits until
the old workers have ended.

On SIGUSR2 a worker gives back what it works at: a stop that has lasted long enough need lose nothing. A task that was
acknowledged when it began is queued again, the broker does so with any other, and the worker ends.

Runs inside the project's image: Python 3.8 and Celery are all it may need, and the check not even Celery.
CELERY_HEARTBEAT_FILE (default /tmp/celery-heartbeat) is the file. CELERY_HEARTBEAT_STALL (default 60) is for how many
seconds waiting work may be left untouched by a pool with free slots.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # typing itself would double the time of a check
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HEARTBEAT_FILE = os.environ.get("CELERY_HEARTBEAT_FILE") or "/tmp/celery-heartbeat"  # noqa: S108 - alone in its container
STALL_SECONDS = float(os.environ.get("CELERY_HEARTBEAT_STALL") or 60)
BEAT_INTERVAL = 10.0
WORKER_INTERVAL = 2.0
IDLE_SECONDS = 1.0  # after this time the worker has what a process of its pool had to tell
LINGER_SECONDS = 0.1
TASK_SECONDS = 365 * 86400.0  # more than any task takes


def check(seconds: float) -> str | None:
    """Say what is wrong, or None."""
    try:
        age = time.time() - os.stat(HEARTBEAT_FILE).st_mtime
    except OSError as error:
        return f"no heartbeat yet: {error}"
    if age >= seconds:
        return f"last heartbeat {age:.0f} s ago, allowed are {seconds:g} s"
    return None


def touch(ahead: float = 0) -> None:
    """Note that all is well, now and for the seconds `ahead`."""
    at = time.time() + ahead
    try:
        with open(HEARTBEAT_FILE, "a", encoding="ascii"):
            os.utime(HEARTBEAT_FILE, (at, at))
    except OSError as error:  # Celery must not die of a full or read-only /tmp; the check reports it
        print(f"celery_heartbeat: {error}", file=sys.stderr, flush=True)


class Worker:
    """Beats for a worker process."""

    def __init__(self) -> None:
        self.consumer: Any = None
        self.accepted = -1
        self.since = time.monotonic()

    def on_init(self, instance: Any, **_: object) -> None:
        """Add a step to the consumer's: unlike the signal worker_ready, it starts again with each connection."""
        import signal
        import threading

        from celery import bootsteps

        worker = self

        class Watch(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no annotations
            requires = ("celery.worker.consumer.tasks:Tasks",)
            timer_entry: Any = None

            def start(self, parent: Any) -> None:
                worker.consumer = parent
                worker.watch_solo(parent.pool)
                # A restart by SIGHUP executes sys.argv again, which must then be this file once more.
                sys.argv[0] = os.path.abspath(__file__)
                worker.on_heartbeat()
                if parent.heart is None:  # --without-heartbeat: the project wants no events sent, so time must do
                    self.timer_entry = parent.timer.call_repeatedly(WORKER_INTERVAL, worker.on_heartbeat)

            def stop(self, parent: Any) -> None:
                if self.timer_entry is not None:
                    parent.timer.cancel(self.timer_entry)
                    self.timer_entry = None

        instance.app.steps["consumer"].add(Watch)
        # In a thread: the handler interrupts the main one anywhere, perhaps while it holds a connection's lock.
        signal.signal(signal.SIGUSR2, lambda *_: threading.Thread(target=self.give_back, daemon=True).start())

    def give_back(self) -> None:
        """Queue the tasks under way again, and end."""
        import signal

        from celery.worker import state

        for request in list(state.active_requests):
            if request.acknowledged:
                again = request.task.signature_from_request(request._context, request.args, request.kwargs)
                again.apply_async()
            print(f"celery_heartbeat: requeued {request.name}[{request.id}]", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGQUIT)

    def on_heartbeat(self, **_: object) -> None:
        if not self.is_stalled():
            touch()

    def watch_solo(self, pool: Any) -> None:
        """Let no task count as a freeze where each runs in the worker's only thread."""
        from celery import signals
        from celery.concurrency import solo

        if isinstance(pool, solo.TaskPool):
            signals.task_prerun.connect(self.on_solo_task, weak=False)
            signals.task_postrun.connect(self.on_solo_end, weak=False)

    def on_solo_task(self, **_: object) -> None:
        touch(TASK_SECONDS)

    def on_solo_end(self, task: Any, **_: object) -> None:
        if not task.request.is_eager:  # one that another task runs within itself
            touch()

    def is_stalled(self) -> bool:
        """True when, for too long, no waiting request was accepted although a slot of the pool was free."""
        from celery.worker import state

        if self.consumer is None:
            return False
        accepted = state.all_total_count[0]
        active = len(state.active_requests)
        waiting = len(state.reserved_requests) > active
        slots = getattr(self.consumer.pool, "num_processes", None) or 0
        now = time.monotonic()
        if accepted != self.accepted or not waiting or active >= slots:
            self.accepted, self.since = accepted, now
        return now - self.since > STALL_SECONDS


class PoolProcess:
    """Ends an idle process of a worker's pool without the second for which billiard would let it sleep."""

    def __init__(self) -> None:
        self.worker = os.getpid()
        self.worked: float | None = None

    def on_init(self, **_: object) -> None:
        from celery import signals

        if os.getpid() == self.worker:  # the pool `solo` has no processes
            return
        signals.task_postrun.connect(self.on_task_end, weak=False)
        # Here and not before: after whatever the project has connected, which may take its time.
        signals.worker_process_shutdown.connect(self.on_shutdown, weak=False)

    def on_task_end(self, **_: object) -> None:
        self.worked = time.monotonic()

    def on_shutdown(self, exitcode: int = 0, **_: object) -> None:
        import threading

        idle = self.worked is None or time.monotonic() - self.worked > IDLE_SECONDS
        if idle and exitcode == 0:
            threading.Timer(LINGER_SECONDS, os._exit, [exitcode]).start()


class Beat:
    """Beats for a beat process, whatever scheduler class the project uses."""

    def on_init(self, sender: Any, **_: object) -> None:
        sender.scheduler.tick = self.beating(sender.scheduler.tick)
        touch()

    def beating(self, tick: Callable[..., Any]) -> Callable[..., Any]:
        def beating_tick(*args: Any, **kwargs: Any) -> Any:
            interval = tick(*args, **kwargs)
            touch()
            # Only the sleep is cut (5 minutes by default): a tick before anything is due does nothing.
            return min(interval, BEAT_INTERVAL) if interval else interval

        return beating_tick


def act_as_celery_command() -> None:
    """Leave argv and sys.path as the command `celery` has them, the working directory importable."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here != os.getcwd():
        del sys.path[0]
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    sys.argv[0] = "celery"


def run() -> None:
    if os.path.exists(HEARTBEAT_FILE):
        os.unlink(HEARTBEAT_FILE)  # of the process before this one
    act_as_celery_command()

    import celery
    from celery.__main__ import main

    celery.maybe_patch_concurrency()  # before anything else of Celery is imported, as its own main does
    from celery import signals

    worker, process, beat = Worker(), PoolProcess(), Beat()
    signals.celeryd_init.connect(worker.on_init, weak=False)
    signals.worker_process_init.connect(process.on_init, weak=False)
    signals.heartbeat_sent.connect(worker.on_heartbeat, weak=False)
    signals.beat_init.connect(beat.on_init, weak=False)
    # A beat embedded in a worker (-B) must not keep a frozen worker's file fresh.
    signals.celeryd_init.connect(lambda **_: signals.beat_init.disconnect(beat.on_init), weak=False)
    main()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        problem = check(float(sys.argv[2]))
        if problem:
            print(problem)
        sys.exit(1 if problem else 0)
    run()
