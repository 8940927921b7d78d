# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide when an image is built again for the updates of its base image and of Debian's packages.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass

_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Base:
    """`stamp` is part of what an image is made of; `due` is true where its base is pulled again."""

    stamp: str
    due: bool


def base(stamp: str, now: float, days: int, at_once: bool) -> Base:
    """Return the stamp of the last refresh (seconds, as text), or a new one after `days` (0 for never) or `at_once`."""
    last = int(stamp) if stamp.isdigit() else 0
    due = at_once or (days > 0 and now - last >= days * _DAY)
    return Base(str(int(now)) if due else stamp, due)
