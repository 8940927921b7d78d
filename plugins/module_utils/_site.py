# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollout is told of a stack, and the one error by which it says that it did not happen.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any


class RolloutError(Exception):
    """The rollout did not happen; what served before serves on."""


@dataclass(frozen=True)
class Site:
    """The options of landfall.django.rollout that describe a release; kept with it for a rollback."""

    project_src: str
    project_name: str
    image: str
    image_id: str
    pulled: str
    revision: str
    web: str
    replicas: int
    processes: tuple[str, ...]
    workers: tuple[str, ...]
    port: int
    host: str
    health_path: str
    health_timeout: int
    drain_timeout: int
    stop_timeout: int
    front_root: str
    front_network: str
    front_port: int
    manage_command: str
    migrate_command: str
    check_level: str
    static_release: str
    static_dest: str
    releases_kept: int

    @classmethod
    def of(cls, options: dict[str, Any]) -> Site:
        """Take the fields out of module options, or of what was kept of them."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = options[field.name]
            values[field.name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)


class Steps:
    """What happened, in the order of its end, and how many seconds each step took."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.done.append({"step": what, "seconds": round(time.monotonic() - begin, 2)})
