# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups are kept: the newest one of each of the last days, weeks and months that have one.

Pure. Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

# A backup is named after its time in UTC.
NAME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months keep a backup. Those without a backup do not count."""

    days: int = 0
    weeks: int = 0
    months: int = 0


def name_of(time: datetime) -> str:
    """Return the name of a backup that begins at this time."""
    return time.astimezone(timezone.utc).strftime(NAME)


def time_of(name: str) -> datetime | None:
    """Return the time of a backup, or None for what is no name of one."""
    try:
        return datetime.strptime(name, NAME).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def kept(names: Iterable[str], keep: Keep, just_made: str) -> set[str]:
    """Return the names of the backups that are kept, among these good ones.

    The newest one and `just_made` always are: after the clock was set back, they may be two.
    """
    times = {name: time for name in names if (time := time_of(name))}
    newest_first = sorted(times, key=lambda name: times[name], reverse=True)
    chosen = {just_made, *newest_first[:1]}
    for count, period in ((keep.days, _day), (keep.weeks, _week), (keep.months, _month)):
        chosen |= _newest_of_each(newest_first, times, count, period)
    return chosen & set(times)


def _newest_of_each(
    newest_first: Collection[str], times: dict[str, datetime], count: int, period: Callable[[datetime], tuple[int, ...]]
) -> set[str]:
    found: dict[tuple[int, ...], str] = {}
    for name in newest_first:
        found.setdefault(period(times[name]), name)
    return set(list(found.values())[:count])


def _day(time: datetime) -> tuple[int, ...]:
    return time.year, time.month, time.day


def _week(time: datetime) -> tuple[int, ...]:
    return tuple(time.isocalendar())[:2]


def _month(time: datetime) -> tuple[int, ...]:
    return time.year, time.month
