# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that a timer of the host runs: check the stack, and tell what has changed.

Private to this collection.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._alarms import checks, metrics, post, settings, state
from ansible_collections.landfall.django.plugins.module_utils._alarms.channels import deliver_all
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Settings
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Event, State
from ansible_collections.landfall.django.plugins.module_utils._files.lock import now as now_in_words
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._status.look import is_under_way
from ansible_collections.landfall.django.plugins.module_utils._text import say, warn

_USAGE = "Usage: alarms check|test|forget SETTINGS_FILE"
# Seconds. So long after the start of the host, and of the alarms, nothing is checked: a new site waits for its
# certificate. A release that takes longer than the second hides no problem.
_STARTING = 300
_LONGEST_PAUSE = 3600


class Memory:
    """The state of a stack's alarms, on the disk and, for a disk that is full, in memory too."""

    def __init__(self, folder: str, stack: str, volatile: str = "/run") -> None:
        # What lies in memory is never older, and a reboot removes it.
        self.files = (Path(volatile) / f"landfall-alarms-{stack}.json", Path(folder) / "state.json")

    def read(self) -> State:
        """Return what was saved last; an empty state where there is none that can be read."""
        found = (_read(file) for file in self.files)
        return next((one for one in found if one is not None), State())

    def save(self, present: State) -> None:
        """Save the state. Raises OSError where that fails in memory, for a problem would be told again and again."""
        content = json.dumps(present.as_dict()).encode()
        in_memory, on_disk = self.files
        replace(in_memory, content, 0o600)
        try:
            replace(on_disk, content, 0o600)
        except OSError as error:
            warn(f"{on_disk}: it cannot be written: {error}")


def _read(file: Path) -> State | None:
    try:
        return state.parse(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        warn(f"{file}: it cannot be read: {error}")
        return None


def is_paused(present: State, under_way: bool, uptime: float, now: float) -> bool:
    """Return whether the stack is not checked now, as while its containers start and stop on purpose.

    The state remembers since when.
    """
    present.began = present.began or now
    if not under_way:
        present.paused = 0
        return uptime < _STARTING or 0 <= now - present.began < _STARTING
    present.paused = present.paused or now
    return now - present.paused < _LONGEST_PAUSE


def check(wanted: Settings, memory: Memory) -> int:
    """Do one round. Return the exit code: 1 where a channel took nothing."""
    present, now = memory.read(), time.time()
    uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    events: list[Event] = []
    if not is_paused(present, is_under_way(Path(wanted.stack.root) / ".lock"), uptime, now):
        problems, measures, ran = checks.looked(wanted, present, now)
        failed = {name for name, could_run in ran.items() if not could_run}
        problems += checks.deliveries(present.undelivered)
        present.problems, events = state.compare(present.problems, problems, failed, now_in_words())
        if wanted.metrics:
            waiting = {name: len(all_) for name, all_ in present.waiting.items()}
            text = metrics.text(wanted.stack.stack, [*measures, *metrics.measures(problems, ran, waiting, now)])
            _write_metrics(wanted, text)
    present.waiting = state.queued(present.waiting, [channel.name for channel in wanted.channels], events)
    for event in events:
        say(f"{event.level}: {event.sentence}")
    # Before the delivery: an event that was seen is not forgotten where this program is ended.
    memory.save(present)
    return tell(wanted, present, memory)


def tell(wanted: Settings, present: State, memory: Memory) -> int:
    """Deliver what waits, and ping. Return the exit code: 1 where that failed."""
    here = wanted.stack.stack, platform.node()
    present.undelivered = deliver_all(wanted.channels, present.waiting, *here, taken=lambda: memory.save(present))
    if wanted.ping and (problem := ping(wanted.ping, present)):
        present.undelivered["ping"] = problem
    memory.save(present)
    for name, problem in present.undelivered.items():
        warn(f"{name}: this channel of stack_alarms does not work: {problem}")
    return 1 if present.undelivered else 0


def ping(url: str, present: State) -> str:
    """Tell a dead man's switch that this host lives, and whether all is well. Return what went wrong."""
    open_ones = [known.sentence for known in present.problems.values() if known.told]
    try:
        target = post.failure_url(url) if open_ones else url
        return post.problem(post.send(target, "\n".join(open_ones).encode(), "text/plain; charset=utf-8"))
    except OSError as error:
        return post.reason(error)


def test(wanted: Settings) -> int:
    """Tell all channels a test message. Return the exit code: 1 where one took nothing."""
    event = Event("test/test", "problem", "test: this is a test of the alarms.", now_in_words(), now_in_words())
    waiting = {channel.name: [event] for channel in wanted.channels}
    failed = deliver_all(wanted.channels, waiting, wanted.stack.stack, platform.node())
    for channel in wanted.channels:
        say(f"{channel.name}: {failed.get(channel.name, 'delivered')}")
    return 1 if failed else 0


def forget(wanted: Settings, memory: Memory) -> int:
    """Remove what this program has written. Return the exit code."""
    for file in (*memory.files, *([_metrics_file(wanted)] if wanted.metrics else [])):
        file.unlink(missing_ok=True)
    return 0


def main(words: list[str], version: str = "") -> int:
    """Run the program of this version with the words of its command line, and return its exit code."""
    if len(words) != 2 or words[0] not in ("check", "test", "forget"):
        warn(f"landfall.django {version}\n{_USAGE}")
        return 2
    wanted = settings.read(words[1])
    if words[0] == "test":
        return test(wanted)
    memory = Memory(os.path.dirname(words[1]), wanted.stack.stack)
    return check(wanted, memory) if words[0] == "check" else forget(wanted, memory)


def _metrics_file(wanted: Settings) -> Path:
    return Path(wanted.metrics) / f"landfall-{wanted.stack.stack}.prom"


def _write_metrics(wanted: Settings, text: str) -> None:
    try:
        replace(_metrics_file(wanted), text.encode(), 0o644)
    except OSError as error:
        warn(f"the metrics cannot be written into {wanted.metrics}: {error.strerror}")
