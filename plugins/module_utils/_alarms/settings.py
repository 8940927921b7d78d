# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a stack's alarms, as the role stack writes them into a file that only root can read.

Private to this collection.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._status.look import Stack

QUEUE_TASKS = 1000
QUEUE_MINUTES = 15
_NUMBERS = ("https_port", "disk_free_minimum_mib", "media_maximum_mib")


@dataclass(frozen=True)
class Channel:
    """A way to tell somebody. The name may be shown, the target may be a secret."""

    name: str
    kind: str
    target: str


@dataclass(frozen=True)
class Settings:
    """What is checked, and who is told."""

    stack: Stack
    redis: bool
    channels: tuple[Channel, ...] = ()
    ping: str = ""
    metrics: str = ""
    queue_tasks: int = QUEUE_TASKS
    queue_minutes: int = QUEUE_MINUTES


def read(file: str) -> Settings:
    """Return the settings in a file."""
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    alarms = given["alarms"]
    channels = [Channel(kind, kind, alarms[kind]) for kind in ("command", "url", "email") if alarms.get(kind)]
    return Settings(
        stack=_stack(given["stack"]),
        redis=given["redis"],
        channels=(*channels, *_of_apprise(alarms.get("apprise") or [])),
        ping=alarms.get("ping") or "",
        metrics=alarms.get("metrics") or "",
        queue_tasks=int(alarms.get("queue_tasks") or QUEUE_TASKS),
        queue_minutes=int(alarms.get("queue_minutes") or QUEUE_MINUTES),
    )


def _stack(given: Mapping[str, Any]) -> Stack:
    # Before ansible-core 2.19, Jinja makes texts of numbers.
    numbers: dict[str, Any] = {name: int(given[name]) for name in _NUMBERS if name in given}
    return Stack(**{**given, **numbers})


def _of_apprise(given: str | list[str]) -> list[Channel]:
    # An argument spec takes a single text for a list.
    urls = [given] if isinstance(given, str) else given
    # One channel each: where one of them fails, the others are not told twice. A name for each that tells nothing of it
    # and stays when another is added.
    return [Channel(f"apprise-{hashlib.sha256(url.encode()).hexdigest()[:8]}", "apprise", url) for url in urls]
