# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo steps, each registered before the step that it undoes.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Step = tuple[str, Callable[[], Any]]


def run_all(steps: Iterable[Step]) -> list[str]:
    """Run every step, even where others fail. Return a message for each one that failed, in order.

    The name of a step follows "could not" in that message.
    """
    return [problem for what, act in steps if (problem := _run_step(what, act))]


def _run_step(what: str, act: Callable[[], Any]) -> str:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - the other steps must run, whatever the error
        return f"could not {what}: {error}"
    return ""


class Undo:
    """Undo steps: urgent ones run first, and the last registered one before the others."""

    def __init__(self) -> None:
        self._urgent: list[Step] = []
        self._others: list[Step] = []

    def add(self, what: str, way: Callable[..., Any], *arguments: Any, urgent: bool = False) -> None:
        """Register a step. `what` follows "could not" in a message; `urgent` ones run before the others."""
        (self._urgent if urgent else self._others).append((what, lambda: way(*arguments)))

    def run(self) -> list[str]:
        """Run all steps. Return a message for each one that failed, in order."""
        steps = [*reversed(self._urgent), *reversed(self._others)]
        self._urgent, self._others = [], []
        return run_all(steps)
