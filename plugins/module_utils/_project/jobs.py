# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The units of a stack's scheduled jobs.

Private to this collection.
"""

from __future__ import annotations

# Where the role stack writes them.
UNITS = "/etc/systemd/system"


def unit_of(stack: object, job: str) -> str:
    """Return the name of a job's units without what tells a timer from a service. No stack's name has a dot."""
    return f"landfall-{stack}.{job}"
