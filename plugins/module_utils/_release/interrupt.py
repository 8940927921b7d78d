# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let a signal that would end the process undo first what the process has begun.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Raise SystemExit for a request to end, so that every `with` and `except` on the way is taken."""
    with _handled(_exit):
        yield


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Let nothing but the kernel end the process: what undoes comes to its end."""
    with _handled(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Let a request to end wait for what must not be cut off; then raise SystemExit for it."""
    came: list[int] = []
    with _handled(lambda number, _frame: came.append(number)):
        yield
    if came:
        _exit(came[0], None)


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # which alone is signalled
        yield
        return
    former = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)


def _exit(number: int, _frame: FrameType | None) -> None:
    # Another one must not keep the first from being obeyed: whoever sends one often sends two.
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(f"ended by signal {number}")
