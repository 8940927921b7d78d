# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the list of releases of a stack on the host.

Private to this collection.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_KEPT = 100


def read(path: Path) -> list[dict[str, Any]]:
    """Return the releases, oldest first; an empty list where there is no ledger yet."""
    return json.loads(path.read_text())["releases"] if path.exists() else []


def append(path: Path, release: dict[str, Any]) -> None:
    """Add a release at the end, in one step, so that a reader never sees half a ledger."""
    releases = [*read(path), release][-_KEPT:]
    candidate = path.with_suffix(".new")
    candidate.write_text(json.dumps({"releases": releases}, indent=2) + "\n")
    os.chmod(candidate, 0o644)
    os.replace(candidate, path)
