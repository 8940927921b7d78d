# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of a round: those of the status, and those of the host, which a person at a terminal would look at.

A check that the status should have too belongs into CHECKS of _status/look.py, and comes from there. Private to this
collection.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._alarms import queues, state
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Settings
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._status import look, storage
from ansible_collections.landfall.django.plugins.module_utils._status.look import Found, Measure

# Shares of a file system.
_NEARLY_FULL = 0.80
_FULL = 0.95
_MEMORY = 0.10  # share that must be available
_SECONDS = 120  # for one check
# Other checks tell of these: jobs, the renewal of certificates, deliveries.
_TOLD_ELSEWHERE = re.compile(
    r"landfall-[a-z0-9-]+\.[a-z0-9-]+\.service|certbot\.service|landfall-(?:alarms|backup|drill)@.*"
)
_ERRORS = (DockerError, OSError, ValueError, LookupError, subprocess.SubprocessError)

Check = Callable[[], Found]


def disks(rooms: Iterable[storage.Room]) -> Found:
    """Check the used space of file systems."""
    sentences, severe, measures = [], set(), []
    for room in rooms:
        subject = f"disk {room.folders[0]}"
        measures.append(Measure("filesystem_used_ratio", round(room.used, 4), {"folder": room.folders[0]}))
        if room.used >= _NEARLY_FULL:
            sentences.append(
                f"{subject}: {room.used:.0%} of its file system is in use, and {room.free_mib} MiB are free: delete"
                " files, or make it larger."
            )
        if room.used >= _FULL:
            severe.add(subject)
    return Found(sentences, measures=measures, severe=frozenset(severe))


def memory(meminfo: str) -> Found:
    """Check the memory that programs can still have, by the content of /proc/meminfo."""
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", meminfo, re.MULTILINE)}
    share = kib["MemAvailable"] / kib["MemTotal"]
    sentence = (
        f"memory: {kib['MemAvailable'] // 1024} of {kib['MemTotal'] // 1024} MiB are available: see docker stats for"
        " what uses it, lower stack_sizes, or give the host more."
    )
    return Found([sentence] if share < _MEMORY else [], measures=[Measure("memory_available_ratio", round(share, 4))])


def units(listed: str) -> Found:
    """Check the host's units, by the output of `systemctl list-units --state=failed --plain --no-legend`."""
    failed = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return Found(
        [
            f"unit {name}: it failed: see systemctl status {name} and journalctl --unit {name} on the host."
            for name in failed
            if not _TOLD_ELSEWHERE.fullmatch(name)
        ]
    )


def deliveries(undelivered: Mapping[str, str]) -> list[state.Problem]:
    """Return a problem for each channel that took nothing last time: the others tell of it."""
    return [
        state.Problem("alarms", name, f"{name}: this channel of stack_alarms does not work: {reason}.")
        for name, reason in undelivered.items()
    ]


def looked(
    settings: Settings, remembered: state.State, now: float
) -> tuple[list[state.Problem], list[Measure], dict[str, bool]]:
    """Run all checks. Return the problems, the measures, and of each check whether it could run.

    The heads of the queues are remembered in the state.
    """
    stack = settings.stack

    def check_disks() -> Found:
        # A full disk may be why Docker does not answer.
        folders = [stack.root, str(stack.media)]
        with contextlib.suppress(DockerError):
            folders = look.data_folders(stack)
        return disks(storage.rooms(["/", *folders]))

    def check_queues() -> Found:
        found, remembered.heads = queues.waiting(queues.read(stack.stack, stack.root), remembered.heads, now)
        return Found(
            queues.problems(found.measures, settings.queue_tasks, settings.queue_minutes), measures=found.measures
        )

    checks: dict[str, Check] = {name: _of(check, stack) for name, check in look.CHECKS.items()}
    checks["disk"] = check_disks
    checks["memory"] = lambda: memory(Path("/proc/meminfo").read_text(encoding="utf-8"))
    checks["units"] = lambda: units(
        run(["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"]).stdout
    )
    if settings.redis:
        checks["queues"] = check_queues
    return run_all(checks)


def _of(check: Callable[[look.Stack], Found], stack: look.Stack) -> Check:
    return lambda: check(stack)


def run_all(checks: Mapping[str, Check]) -> tuple[list[state.Problem], list[Measure], dict[str, bool]]:
    """Run checks. One that cannot run is a problem and does not stop the others."""
    problems: list[state.Problem] = []
    measures: list[Measure] = []
    ran: dict[str, bool] = {}
    for name, check in checks.items():
        found = _ran(check)
        ran[name] = isinstance(found, Found)
        if isinstance(found, Found):
            problems += state.merged(name, found.problems, found.severe)
            measures += found.measures
        else:
            problems.append(state.Problem(name, "check", f"{name}: this check cannot run: {found}"))
    return problems, measures, ran


def _ran(check: Check) -> Found | str:
    """Return what a check finds, or why it cannot run."""
    try:
        with _limited(_SECONDS):
            return check()
    except _ERRORS as error:
        return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError, which is an OSError, after so many seconds: Docker may hang."""

    def end(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"it took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
