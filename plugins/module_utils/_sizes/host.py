# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a stack's sizes depend on: the host's memory, its cores, and the number of stacks on it.

Changed sizes restart the services, so they do not follow every small difference: a stack keeps those that it has until
the host itself changes. Private to this collection.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The line of compose.yaml that has the sizes.
_LINE = re.compile(r"^x-sizes: (\{.*\})$", re.MULTILINE)
FACTS = ("memory_mib", "cores", "stacks")


def memory_mib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def look(stack_root: str, compose: str) -> dict[str, int]:
    """Return the facts about this host that the sizes of a stack are for. `compose` is the compose.yaml in force."""
    found = {"memory_mib": memory_mib(), "cores": os.cpu_count() or 1, "stacks": stacks(stack_root)}
    return settled(found, recorded(compose))


def stacks(stack_root: str) -> int:
    """Return the number of stacks beside this folder, with its own."""
    own = Path(stack_root)
    return 1 + len({folder.parent for folder in own.parent.glob("*/releases")} - {own})


def recorded(compose: str) -> dict[str, Any]:
    """Return the sizes in a compose.yaml, and the facts that they are for; nothing where it has none."""
    found = _LINE.search(compose)
    return dict(json.loads(found[1])) if found else {}


def settled(found: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Return the facts of the deployments before, unless the host has other cores, or a tenth more or less memory.

    Another kernel takes a few MiB more, and a neighbour's first deployment must not restart this stack at its next one.
    """
    known = {name: int(before.get(name) or 0) for name in FACTS}
    is_same = (
        known["cores"] == found["cores"] and abs(known["memory_mib"] - found["memory_mib"]) * 10 <= known["memory_mib"]
    )
    return known if is_same and known["stacks"] else dict(found)
