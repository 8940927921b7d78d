# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What helps a project that cannot live with what its containers give up.

Private to this collection.
"""

from __future__ import annotations

# By what its log says; the first that fits.
_CURES = {
    "Read-only file system": (
        "The root file system of the stack's containers is read-only but for /tmp. Where the project has to write, give"
        " the service a tmpfs in stack_compose_override, or read_only: false"
    ),
    "Permission denied": (
        "The project's containers run without root and without capabilities. Name a user in stack_user that may do"
        " this, 0:0 for root"
    ),
    "Operation not permitted": (
        "The project's containers have no capabilities. Give the service back what it needs by cap_add in"
        " stack_compose_override"
    ),
    "must be run as root": "The project's containers run without root. If it demands root, set stack_user to 0:0",
}


def with_cure(said: str) -> str:
    """Add to what a failed release said which variable helps, where that can be told."""
    lowered = said.lower()
    cure = next((cure for sign, cure in _CURES.items() if sign.lower() in lowered), "")
    return f"{said.rstrip()}\n{cure}." if cure else said
