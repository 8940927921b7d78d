# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers of the host in memory, and what Compose compares of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABEL = "com.docker.compose."


@dataclass
class Box:
    """A container."""

    name: str
    project: str
    service: str
    image: str
    made_of: str
    once: bool = False
    running: bool = False
    restarts: int = 0
    code: int = 0
    address: str = ""
    networks: set[str] = field(default_factory=set)


class RefusedError(Exception):
    """A command fails with these words."""


def labels(box: Box) -> dict[str, str]:
    return {
        f"{LABEL}project": box.project,
        f"{LABEL}service": box.service,
        f"{LABEL}oneoff": str(box.once),
    }


def made_of(service: str, config: dict[str, Any], files: Path) -> str:
    """What Compose compares."""
    if service in ("db", "redis"):
        return f"{service} {config['db']}"
    text = config["image"] + config.get("override", "") + (files / ".env").read_text()
    return hashlib.sha256(text.encode()).hexdigest()
