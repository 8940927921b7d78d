# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Request a site's health page through the front during a switch, and report what a visitor would have seen.

Private to this collection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

INTERVAL = 0.05  # seconds between two requests
_ROW = 5  # failures in a row that count as a persistent failure


class Prober:
    """Sends requests in a thread, from `start` to `stop`. `ask` returns a status, or raises OSError."""

    def __init__(self, ask: Callable[[], int]):
        self.ask = ask
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._last: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it was started."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            begin = time.monotonic()
            try:
                status = self.ask()
                problem = "" if status < 500 else f"status {status}"
            except (OSError, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"
            self.seconds.append(time.monotonic() - begin)
            self._last = [*self._last, problem][-_ROW:]
            if problem:
                self.failures.append(problem)
            self._stop.wait(INTERVAL)

    def persistent_failure(self) -> str:
        """Return what is wrong where all of the last requests failed; else an empty string."""
        return self._last[-1] if len(self._last) == _ROW and all(self._last) else ""

    def report(self) -> dict[str, object]:
        """Return the numbers of requests and failures, the first three failures, and response times in milliseconds."""
        return {
            "requests": len(self.seconds),
            "failures": len(self.failures),
            "first_failures": self.failures[:3],
            "p50_ms": percentile(self.seconds, 50),
            "p99_ms": percentile(self.seconds, 99),
        }


def percentile(seconds: list[float], percent: int) -> float:
    """Return a percentile of durations, in milliseconds; 0 where there are none."""
    if not seconds:
        return 0.0
    rank = max(0, -(-len(seconds) * percent // 100) - 1)
    return round(sorted(seconds)[rank] * 1000, 1)
