# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the preflight have in common."""

from __future__ import annotations


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    assert found[0].endswith(".")
    return found[0]
