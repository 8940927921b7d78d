# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways back, each registered before the act that it undoes.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Step = tuple[str, Callable[[], Any]]


def run_all(steps: Iterable[Step]) -> list[str]:
    """Take every step, whatever becomes of the others. Return what could not be done, in order.

    A step begins with the words that follow "could not" in a message.
    """
    return [problem for what, act in steps if (problem := _run_step(what, act))]


def _run_step(what: str, act: Callable[[], Any]) -> str:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other steps must be taken
        return f"could not {what}: {error}"
    return ""


class Undo:
    """What to do where the rest fails: what visitors wait for first, and the later before the earlier."""

    def __init__(self) -> None:
        self._urgent: list[Step] = []
        self._others: list[Step] = []

    def add(self, what: str, way: Callable[..., Any], *arguments: Any, urgent: bool = False) -> None:
        """Register a way back. `what` follows "could not" in a message; an `urgent` one comes before all others."""
        (self._urgent if urgent else self._others).append((what, lambda: way(*arguments)))

    def run(self) -> list[str]:
        """Take every way back. Return what could not be done, in order."""
        steps = [*reversed(self._urgent), *reversed(self._others)]
        self._urgent, self._others = [], []
        return run_all(steps)
