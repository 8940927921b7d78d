# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do something in a thread beside the work of the main one. Each docker command is mostly waiting.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ansible_collections.landfall.django.plugins.module_utils._release import interrupt

Result = TypeVar("Result")


@contextmanager
def beside(act: Callable[..., Result], *arguments: object) -> Iterator[Future[Result]]:
    """Run `act` beside the block. It has ended when the block ends, also where the block fails.

    The context is its future. Raises the error of the block; otherwise that of `act`.
    """
    with ThreadPoolExecutor(1) as threads:
        # A thread that is not known yet would not be waited for.
        with interrupt.deferred():
            running = threads.submit(act, *arguments)
        yield running
        running.result()
