# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the last backup of a stack ended, and how old the last good one is.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Result
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State

COLUMNS = ("backup", "at", "size", "sent", "result", "drill")
Row = dict[str, str]
Units = Mapping[str, Mapping[str, str]]


def unit_of(stack: str, kind: str) -> str:
    """Return the timer or the service of a stack's backups, as the role backup names them."""
    return f"landfall-backup@{stack}.{kind}"


def drill_unit_of(stack: str, kind: str) -> str:
    """Return the timer or the service of a stack's drills, as the role backup names them."""
    return f"landfall-drill@{stack}.{kind}"


def row(settings: Settings, state: State, drill: Result) -> Row:
    """Return the row of the last good backup, with the results of the last run and the last drill."""
    return {
        "backup": state.name or "-",
        "at": state.at[:16].replace("T", " ") or "-",
        "size": f"{state.bytes >> 20} MiB" if state.name else "-",
        "sent": (state.sent_name or "never") if settings.repository else "-",
        "result": _result(state),
        "drill": f"{drill.at[:10]} {'success' if drill.ok else 'failed'}" if drill.at else "never",
    }


def _result(state: State) -> str:
    if not state.began:
        return "-"
    if not state.ended:
        return "running, or killed"
    return f"failed: {state.error.splitlines()[0]}" if state.error else "success"


def problems(settings: Settings, state: State, drill: Result, units: Units, now: datetime) -> list[str]:
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
    if settings.scheduled and not _is_active(unit_of(settings.stack, "timer"), units):
        sentences.append("backup: its timer does not run, so none is scheduled: run landfall.django.backup.")
    return [*sentences, *_drill_problems(settings, drill, units, now)]


def _drill_problems(settings: Settings, drill: Result, units: Units, now: datetime) -> Iterator[str]:
    days = settings.drill_overdue_days
    if not days:
        return
    start = f"systemctl start {drill_unit_of(settings.stack, 'service')} on the host"
    if not drill.at:
        yield f"drill: none has shown yet that a backup can be restored: run {start}."
    elif not drill.ok:
        yield f"drill: the last one failed, so that the data may not come back: {drill.error}. Run {start} again."
    elif now - datetime.fromisoformat(drill.at) > timedelta(days=days):
        yield f"drill: the last one is of {drill.at[:10]}, more than {days} days ago: run {start}."
    if not _is_active(drill_unit_of(settings.stack, "timer"), units):
        yield "drill: its timer does not run: run landfall.django.backup."


def _is_active(unit: str, units: Units) -> bool:
    return units.get(unit, {}).get("ActiveState") == "active"
