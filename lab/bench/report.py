"""The table that a benchmark ends with."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator

from lab.bench.measure import Figures

AIMS = {
    "bare host": "aim: ratio at most 1.3",
    "unchanged": "aim: at most 8 s",
    "unchanged, by deploy.yml": "aim: at most 5 s",
    "release by deploy.yml": "aim: at most 10 s",
    "rollback": "aim: at most 6 s",
}
ANSWERS = "new code answers after its build"
BACK = "old code answers after the command"
OVER = "unhealthy release over, after 5 s"
MOMENTS = {ANSWERS: 3, BACK: 3, OVER: 5}  # what to aim for, in seconds
SPLIT = "release by deploy.yml, split"
UNCHANGED = {"site": "unchanged, site.yml", "deploy": "unchanged, deploy.yml"}
RELEASE, ONE_MORE = "release", "one more stack"
_SLOWEST = 8


def table(figures: Figures) -> str:
    return "\n".join(_lines(figures))


def _lines(figures: Figures) -> Iterator[str]:
    yield f"{'seconds: median (least-most)':<34}{'collection':>22}{'plain script':>22}{'ratio':>7}  runs"
    for what in dict.fromkeys(what for what, who in figures.seconds if who == "script"):
        both = [_spread(figures.seconds[what, who]) for who in ("collection", "script")]
        ratio = figures.median(what, "collection") / figures.median(what, "script")
        count = len(figures.seconds[what, "script"])
        yield f"{what:<34}{both[0]:>22}{both[1]:>22}{ratio:>7.2f}  {count}  {AIMS.get(what, '')}".rstrip()
    for what in sorted(
        {what for what, _ in figures.seconds} - {what for what, who in figures.seconds if who == "script"}
    ):
        seconds = figures.seconds[what, "collection"]
        yield f"{what:<34}{_spread(seconds):>22}{'-':>22}{'':>7}  {len(seconds)}  {AIMS.get(what, '')}".rstrip()
    yield "\n" + "\n".join(f"{what}: {tasks}" for what, tasks in figures.tasks.items())

    yield f"\n{'visitors meanwhile':<34}{'failed requests':>22}{'longest gap in s':>22}"
    for (what, who), seen in figures.visits.items():
        failed, requests = sum(one[0] for one in seen), sum(one[1] for one in seen)
        yield f"  {f'{what}, {who}':<32}{f'{failed} of {requests}':>22}{max(one[2] for one in seen):>22.2f}"

    yield f"\n{'seconds, as a visitor sees it':<34}{'collection':>22}{'plain script':>22}"
    for what, aim in MOMENTS.items():
        both = [_spread(figures.moments.get((what, who), [])) for who in ("collection", "script")]
        yield f"  {what:<32}{both[0]:>22}{both[1]:>22}{'':>7}  aim: at most {aim} s"

    yield f"\n{SPLIT:<34}{'collection':>22}{'plain script':>22}"
    ours, theirs = (figures.steps.get((SPLIT, who), {}) for who in ("collection", "script"))
    for phase in ours:
        yield f"  {phase:<32}{_spread(ours[phase]):>22}{_spread(theirs.get(phase, [])):>22}"

    for (what, who), steps in figures.steps.items():
        if what == SPLIT:
            continue
        yield f"\n{what}, {who}: seconds by {'task, the slowest' if _is_tasks(what, who) else 'step'}"
        ordered = [(name, statistics.median(seconds)) for name, seconds in steps.items()]
        if _is_tasks(what, who):
            ordered = sorted(ordered, key=lambda step: -step[1])[:_SLOWEST]
        yield from (f"  {name.removeprefix('landfall.django.'):<66.66}{seconds:>8.1f}" for name, seconds in ordered)

    yield f"\n{'memory in MiB':<34}{'collection':>22}{'plain script':>22}{'ratio':>7}"
    for service in sorted({service for service, _ in figures.memory}):
        mib, mib_of_script = (figures.memory.get((service, who), 0.0) for who in ("collection", "script"))
        ratio_or_none = f"{mib / mib_of_script:>7.2f}" if mib_of_script else ""
        yield f"  {service:<32}{mib:>22.1f}{mib_of_script:>22.1f}{ratio_or_none}"

    yield _noise(figures)


def growth(figures: Figures) -> str:
    """The other table: a line for each number of stacks and of containers."""
    columns = (*UNCHANGED.values(), RELEASE)
    lines = [f"{'seconds':<24}" + "".join(f"{what:>24}" for what in columns) + f"{'memory in MiB':>16}"]
    for who in dict.fromkeys(who for what, who in figures.seconds if what == RELEASE):
        seconds = "".join(f"{_spread(figures.seconds[what, who]):>24}" for what in columns)
        lines.append(f"{who:<24}{seconds}{figures.memory['all', who]:>16.0f}")
    more = [seconds for (what, _), found in figures.seconds.items() if what == ONE_MORE for seconds in found]
    return "\n".join([*lines, "", f"{ONE_MORE} by site.yml: {_spread(more)} s", _noise(figures)])


def size(stacks: int, replicas: int) -> str:
    """How a line of that table is called."""
    return f"{stacks} stack{'s' * (stacks > 1)}, {replicas} web"


def _noise(figures: Figures) -> str:
    least, most = min(figures.work), max(figures.work)
    verdict = "the machine was quiet" if most < 1.3 * least else "the machine was noisy, and so are the figures"
    return f"\n{os.cpu_count()} cores; the same fixed work took {least:.2f} to {most:.2f} s before each run: {verdict}."


def _is_tasks(what: str, who: str) -> bool:
    return who == "collection" and not what.startswith("switch")


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    median = f"{statistics.median(seconds):.1f}"
    return median if len(seconds) == 1 else f"{median} ({min(seconds):.1f}-{max(seconds):.1f})"
