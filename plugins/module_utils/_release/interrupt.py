# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo what the process has begun before a signal ends it.

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
    """Raise SystemExit for a signal that ends the process, so that every `with` and `except` block runs."""
    with _handled(_exit):
        yield


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Ignore signals that end the process, so that an undo completes."""
    with _handled(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Raise SystemExit for a signal only at the end of this context, which must not be interrupted."""
    received: list[int] = []
    with _handled(lambda number, _frame: received.append(number)):
        yield
    if received:
        _exit(received[0], None)


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
    # A second signal, which often follows, must not interrupt the undo.
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(f"ended by signal {number}")
