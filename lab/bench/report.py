"""The table that a benchmark ends with."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator

from lab.bench.measure import Figures

AIMS = {"bare host": "aim: ratio at most 1.3", "unchanged": "aim: at most 10 s"}
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
        yield f"{what:<34}{_spread(figures.seconds[what, 'collection']):>22}{'-':>22}"
    yield f"\nthe unchanged run: {figures.tasks}"

    yield f"\n{'visitors meanwhile':<34}{'failed requests':>22}{'longest gap in s':>22}"
    for (what, who), seen in figures.visits.items():
        failed, requests = sum(one[0] for one in seen), sum(one[1] for one in seen)
        yield f"  {f'{what}, {who}':<32}{f'{failed} of {requests}':>22}{max(one[2] for one in seen):>22.2f}"

    for (what, who), steps in figures.steps.items():
        yield f"\n{what}, {who}: seconds by {'task, the slowest' if _is_tasks(what, who) else 'step'}"
        ordered = [(name, statistics.median(seconds)) for name, seconds in steps.items()]
        if _is_tasks(what, who):
            ordered = sorted(ordered, key=lambda step: -step[1])[:_SLOWEST]
        yield from (f"  {name.removeprefix('landfall.django.'):<66.66}{seconds:>8.1f}" for name, seconds in ordered)

    yield f"\n{'memory in MiB':<34}{'collection':>22}{'plain script':>22}{'ratio':>7}"
    for service in sorted({service for service, _ in figures.memory}):
        ours, theirs = (figures.memory.get((service, who), 0.0) for who in ("collection", "script"))
        ratio_or_none = f"{ours / theirs:>7.2f}" if theirs else ""
        yield f"  {service:<32}{ours:>22.1f}{theirs:>22.1f}{ratio_or_none}"

    least, most = min(figures.work), max(figures.work)
    verdict = "the machine was quiet" if most < 1.3 * least else "the machine was noisy, and so are the figures"
    yield f"\n{os.cpu_count()} cores; the same fixed work took {least:.2f} to {most:.2f} s before each run: {verdict}."


def _is_tasks(what: str, who: str) -> bool:
    return who == "collection" and not what.startswith("switch")


def _spread(seconds: list[float]) -> str:
    median = f"{statistics.median(seconds):.1f}"
    return median if len(seconds) == 1 else f"{median} ({min(seconds):.1f}-{max(seconds):.1f})"
