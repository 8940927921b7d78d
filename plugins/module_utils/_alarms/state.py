# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told: the problems of a round compared with those of the rounds before. Pure functions.

A problem is told when it was seen twice, a severe one at once. It is over when some rounds in a row have missed it: a
container that starts again and again is one problem, though some rounds see it run. Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_CONFIRMED = 2  # rounds that see a problem
_OVER = 3  # rounds in a row that miss it
_KEPT = 100  # messages that wait for a channel
_LEVELS = ("", "problem", "severe")


@dataclass(frozen=True)
class Problem:
    """A problem of one check. Its id stays while the numbers in its sentence change."""

    check: str
    subject: str
    sentence: str
    severe: bool = False

    @property
    def id(self) -> str:
        return f"{self.check}/{self.subject}"

    @property
    def level(self) -> str:
        return "severe" if self.severe else "problem"


@dataclass(frozen=True)
class Event:
    """What is told of a problem: its level, or that it has `recovered`."""

    id: str
    level: str
    sentence: str
    since: str
    at: str


@dataclass(frozen=True)
class Known:
    """What is remembered of a problem: the rounds that saw it, those since that missed it, and the level told."""

    sentence: str
    since: str
    seen: int = 0
    missed: int = 0
    told: str = ""


@dataclass
class State:
    """All that is kept between two rounds."""

    problems: dict[str, Known] = field(default_factory=dict)
    # By channel. An event stays until the channel has taken it.
    waiting: dict[str, list[Event]] = field(default_factory=dict)
    # Why the last delivery to a channel failed.
    undelivered: dict[str, str] = field(default_factory=dict)
    # By queue: a digest of the task at its head, and since when that one has been there, in seconds since the epoch.
    heads: dict[str, tuple[str, float]] = field(default_factory=dict)
    # When a release that is in progress was first seen, in seconds since the epoch; 0 without one.
    paused: float = 0
    # When the first round was, in seconds since the epoch.
    began: float = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parse(data: Mapping[str, Any]) -> State:
    """Return the state from what `as_dict` made of it. Raises ValueError where it is something else."""
    try:
        return State(
            problems={name: Known(**known) for name, known in data["problems"].items()},
            waiting={name: [Event(**event) for event in events] for name, events in data["waiting"].items()},
            undelivered={str(name): str(reason) for name, reason in data["undelivered"].items()},
            heads={name: (str(head), float(since)) for name, (head, since) in data["heads"].items()},
            paused=float(data["paused"]),
            began=float(data["began"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a state of the alarms: {error!r}") from error


def merged(check: str, sentences: Iterable[str], severe: Collection[str] = ()) -> list[Problem]:
    """Return the problems of a check: one per subject, the part of a sentence before its first colon."""
    by_subject: dict[str, list[str]] = {}
    for sentence in sentences:
        by_subject.setdefault(sentence.partition(":")[0], []).append(sentence)
    return [Problem(check, subject, " ".join(all_), subject in severe) for subject, all_ in by_subject.items()]


def compare(
    known: Mapping[str, Known], problems: Iterable[Problem], failed: Collection[str], at: str
) -> tuple[dict[str, Known], list[Event]]:
    """Return what is known after a round, and what is to be told.

    Of a check in `failed`, which could not run, nobody knows which of its problems are over.
    """
    after: dict[str, Known] = {}
    events: list[Event] = []
    for problem in problems:
        before = known.get(problem.id) or Known(problem.sentence, at)
        seen = before.seen + 1
        is_told = _LEVELS.index(problem.level) <= _LEVELS.index(before.told)
        if not is_told and (problem.severe or seen >= _CONFIRMED):
            events.append(Event(problem.id, problem.level, problem.sentence, before.since, at))
            before = Known(problem.sentence, before.since, told=problem.level)
        after[problem.id] = Known(problem.sentence, before.since, seen, 0, before.told)
    for name, before in known.items():
        if name in after:
            continue
        if name.partition("/")[0] in failed:
            after[name] = before
        elif before.missed + 1 < _OVER:
            after[name] = Known(before.sentence, before.since, before.seen, before.missed + 1, before.told)
        elif before.told:
            events.append(Event(name, "recovered", before.sentence, before.since, at))
    return after, events


def queued(waiting: Mapping[str, list[Event]], channels: Iterable[str], events: list[Event]) -> dict[str, list[Event]]:
    """Return what waits for each channel with these events at the end. Channels that are not there are forgotten."""
    return {channel: [*waiting.get(channel, []), *events][-_KEPT:] for channel in channels}
