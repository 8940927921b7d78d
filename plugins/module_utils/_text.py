# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text for messages, and the output of programs that run on a host without Ansible.

Private to this collection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def shorten(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of a list of any length, and the number of the others: "a, b and 7 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def say(line: str) -> None:
    """Write a line to the standard output."""
    sys.stdout.write(f"{line}\n")


def warn(line: str) -> None:
    """Write a line to the standard error."""
    sys.stderr.write(f"{line}\n")
