# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for a condition.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable

POLL = 0.1  # seconds between two calls


def until(done: Callable[[], bool], seconds: float, every: float = POLL) -> bool:
    """Call `done` every `every` seconds until it returns true, for at most `seconds`. Return its last result."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
