# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find running containers that mount a folder of the host which was deleted since they started.

A bind mount keeps the deleted folder, even if a new one has the same name.
Private to this collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_DELETED = "//deleted"  # what the kernel adds to the root of a mount that is gone


def holds_deleted(inspected: dict[str, Any], proc: str = "/proc") -> bool:
    """Return whether an inspected container has such a mount. False where it does not run."""
    pid = inspected["State"].get("Pid")
    if not pid:
        return False
    try:
        table = Path(f"{proc}/{pid}/mountinfo").read_text(errors="replace")
    except OSError:  # it has ended since
        return False
    return any(line.split(" ", 4)[3].endswith(_DELETED) for line in table.splitlines() if line.count(" ") > 4)
