# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the last backup of a stack ended, and how old the last good one is.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State

COLUMNS = ("backup", "at", "size", "sent", "result")
Row = dict[str, str]
Units = Mapping[str, Mapping[str, str]]


def unit_of(stack: str, kind: str) -> str:
    """Return the timer or the service of a stack's backups, as the role backup names them."""
    return f"landfall-backup@{stack}.{kind}"


def row(settings: Settings, state: State) -> Row:
    """Return the row of the last good backup, with the result of the last run."""
    return {
        "backup": state.name or "-",
        "at": state.at[:16].replace("T", " ") or "-",
        "size": f"{state.bytes >> 20} MiB" if state.name else "-",
        "sent": (state.sent_name or "never") if settings.repository else "-",
        "result": _result(state),
    }


def _result(state: State) -> str:
    if not state.began:
        return "-"
    if not state.ended:
        return "running, or killed"
    return f"failed: {state.error.splitlines()[0]}" if state.error else "success"


def problems(settings: Settings, state: State, units: Units, now: datetime) -> list[str]:
    """Return one sentence for each reason why the data may not come back."""
    unit = unit_of(settings.stack, "service")
    sentences = []
    if state.error and state.ended:
        sentences.append(
            f"backup: the last one failed: {state.error}. Correct it, and run landfall.django.backup, or systemctl"
            f" start {unit} on the host."
        )
    oldest = timedelta(hours=settings.overdue_hours)
    places = {"on the host": state.at}
    if settings.repository:
        places["in the repository"] = state.sent_at
    for place, at in places.items():
        if not at:
            sentences.append(f"backup: there is none {place}: run landfall.django.backup.")
        elif now - datetime.fromisoformat(at) > oldest:
            sentences.append(
                f"backup: the last good one {place} is of {at[:16].replace('T', ' ')} UTC, more than"
                f" {settings.overdue_hours} hours ago (backup_overdue_hours): see journalctl --unit {unit} on the host."
            )
    if settings.scheduled and units.get(unit_of(settings.stack, "timer"), {}).get("ActiveState") != "active":
        sentences.append("backup: its timer does not run, so none is scheduled: run landfall.django.backup.")
    return sentences
