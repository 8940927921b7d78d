"""Running one thing and saying how long it took; and what the runs of a benchmark add up to."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from lab.shell import ROOT, LabError, say

LOGS = ROOT / ".cache" / "bench" / "logs"
LIMIT = 900  # seconds for one run, after which something hangs
_LAST_LINES = 25

Row = tuple[str, str]  # (what was done, by whom)

# What a release consists of: its phases, each with the tasks of the collection, the beginnings of the steps in its
# ledger, and the steps of the script that it is made of.
PHASES = {
    "source and image": (("Copy the project", "Inspect the source", "Build the image"), (), ("image",)),
    "checks, static files, migrations": (
        (),
        ("check and", "dump", "migrate", "publish"),
        ("migrate and collectstatic",),
    ),
    "new containers answer": ((), ("start the new", "switch"), ("web and Celery",)),
    "old containers leave": ((), ("drain", "let the old", "remove"), ()),
}
REST = "all else"


class Figures:
    """Seconds by what was measured and who did it, each as often as it was done."""

    def __init__(self) -> None:
        self.seconds: dict[Row, list[float]] = {}
        self.moments: dict[Row, list[float]] = {}  # seconds too, but of a part of something
        self.work: list[float] = []
        self.tasks: dict[str, str] = {}
        self.steps: dict[Row, dict[str, list[float]]] = {}
        self.memory: dict[Row, float] = {}
        self.visits: dict[Row, list[tuple[int, int, float]]] = {}  # failed, all, longest gap

    def run(
        self, what: str, who: str, command: Sequence[str | Path], env: Mapping[str, str], *, fails: bool = False
    ) -> str:
        """Run and measure a command, one that `fails` where it should; return what it said, which is in a log too."""
        self.work.append(fixed_work())
        number = len(self.seconds.get((what, who), [])) + 1
        log = LOGS / f"{what}-{who}-{number}.log".replace(" ", "-")
        say(f"{what}, {who} (load {os.getloadavg()[0]:.1f}) ...")
        began = time.monotonic()
        said = logged(command, env, log, fails=fails)
        self.seconds.setdefault((what, who), []).append(time.monotonic() - began)
        say(f"{what}, {who}: {self.seconds[what, who][-1]:.1f} s")
        return said

    def add_moment(self, what: str, who: str, seconds: float) -> None:
        self.moments.setdefault((what, who), []).append(seconds)

    def add_steps(self, what: str, who: str, steps: Iterable[tuple[str, float]]) -> None:
        """Add what a run was made of; a name that comes twice in it counts with both."""
        total: dict[str, float] = {}
        for name, seconds in steps:
            total[name] = total.get(name, 0.0) + seconds
        known = self.steps.setdefault((what, who), {})
        for name, seconds in total.items():
            known.setdefault(name, []).append(seconds)

    def median(self, what: str, who: str) -> float:
        return statistics.median(self.seconds[what, who])


def logged(command: Sequence[str | Path], env: Mapping[str, str], log: Path, *, fails: bool = False) -> str:
    """Run a command, with all that it starts ended where it takes too long; its output goes to a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as output,
        subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **env},
            start_new_session=True,
        ) as process,
    ):
        try:
            code = process.wait(LIMIT)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise LabError(f"{command[0]} did not end within {LIMIT} s: see {log}.") from error
            raise
    said = log.read_text(errors="replace")
    if fails:
        if not code:
            raise LabError(f"{command[0]} did not fail, as it should have: see {log}.")
    elif code:
        # Ansible's list of task times comes after what is wrong.
        lines = said.partition("\nTASKS RECAP")[0].strip().splitlines()[-_LAST_LINES:]
        tail = "\n".join(f"    {line}" for line in lines)
        raise LabError(f"{command[0]} failed ({code}); all that it said is in {log}. Its last lines:\n{tail}")
    return said


def fixed_work() -> float:
    """Seconds of a work that is always the same: how they differ tells how much the machine had to do besides."""
    began = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"landfall", b"bench", 400_000)
    return time.monotonic() - began


def recap(said: str) -> dict[str, int]:
    """The counts of a play's last line for its one host."""
    lines = [line for line in said.splitlines() if " unreachable=" in line]
    if len(lines) != 1:
        raise LabError(f"ansible-playbook reported {len(lines)} hosts, not one.")
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", lines[0])}


def task_seconds(said: str) -> list[tuple[str, float]]:
    """The slowest tasks, as the callback profile_tasks lists them."""
    return [(name, float(seconds)) for name, seconds in re.findall(r"^(.+?) -+ ([0-9.]+)s$", said, re.MULTILINE)]


def script_seconds(said: str) -> list[tuple[str, float]]:
    """The steps that plain.sh tells."""
    return [(name, int(ms) / 1000) for ms, name in re.findall(r"^== (\d+) ms: (.+)$", said, re.MULTILINE)]


def moment(said: str) -> float:
    """A time as Docker prints it, in seconds since 1970: 2026-11-25 08:44:01.123456789 +0000 UTC."""
    match = re.fullmatch(r"(\S+) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d* ([+-]\d{4})(?: \w+)?", said.strip())
    if not match:
        raise LabError(f"Docker told the time as {said.strip()!r}.")
    day, time_of_day, zone = match.groups()
    return datetime.fromisoformat(f"{day}T{time_of_day}{zone}").timestamp()


def split_of_collection(
    whole: float, tasks: Iterable[tuple[str, float]], steps: Iterable[tuple[str, float]]
) -> list[tuple[str, float]]:
    """A release of the collection by PHASES, and what is left of it."""
    tasks, steps = list(tasks), list(steps)
    found = []
    for phase, (names, beginnings, _) in PHASES.items():
        by_tasks = sum(seconds for name, seconds in tasks if name.endswith(names))
        found.append((phase, by_tasks + sum(seconds for name, seconds in steps if name.startswith(beginnings))))
    return [*found, (REST, whole - sum(seconds for _, seconds in found))]


def split_of_script(whole: float, steps: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The same of the script's."""
    steps = list(steps)
    found = [
        (phase, sum(seconds for name, seconds in steps if name in names)) for phase, (_, _, names) in PHASES.items()
    ]
    return [*found, (REST, whole - sum(seconds for _, seconds in found))]
