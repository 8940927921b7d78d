# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of a stack's releases in the status, and their problems. Pure functions.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.landfall.django.plugins.module_utils._release.record import Record

SHOWN = 5
COLUMNS = ("release", "state", "at", "by", "image", "seconds", "lost", "reason")


def rows(records: Sequence[Record], is_under_way: bool) -> list[dict[str, str]]:
    """Return the last attempts, failed ones too, newest first. `lost` are requests that failed during the switch."""
    return [_row(record, is_under_way and record is records[-1]) for record in reversed(records[-SHOWN:])]


def _row(record: Record, is_under_way: bool) -> dict[str, str]:
    back = f" (back to {record.rollback_to})" if record.rollback_to else ""
    proof = record.proof
    return {
        "release": f"{record.release}{back}",
        "state": record.state if record.is_over or is_under_way else "interrupted",
        "at": record.at[:16].replace("T", " "),
        "by": record.by,
        "image": record.image,
        "seconds": f"{record.seconds:.1f}" if record.seconds else "-",
        "lost": f"{proof['failures']} of {proof['requests']}" if proof else "-",
        "reason": record.error or ("" if record.is_over or is_under_way else f"while {record.state}"),
    }


def problems(records: Sequence[Record], is_under_way: bool) -> list[str]:
    """Return one sentence for each release that needs attention."""
    if not records:
        return []
    last = records[-1]
    if last.is_over or is_under_way:
        return []
    return [f"release {last.release}: it was interrupted in the state {last.state}: run landfall.django.deploy again."]
