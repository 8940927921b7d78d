# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack's scheduled jobs: how each ended last, and when it runs again, from what systemd says of its two units.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._project.jobs import UNITS, unit_of

COLUMNS = ("job", "last", "result", "next")
PROPERTIES = (
    *("Id", "ActiveState", "Result", "ExecMainStatus", "ExecMainStartTimestamp"),
    *("NextElapseUSecRealtime", "LastTriggerUSec"),
)
Row = dict[str, str]
Units = Mapping[str, Mapping[str, str]]


def jobs(stack: str, folder: str = UNITS) -> list[str]:
    """Return the names of the jobs that have a timer on the host."""
    prefix, suffix = unit_of(stack, ""), ".timer"
    names = (path.name for path in Path(folder).glob(f"{prefix}*{suffix}"))
    return sorted(name[len(prefix) : -len(suffix)] for name in names)


def units_of(stack: str, names: Iterable[str]) -> list[str]:
    """Return the units of jobs, to ask systemd about."""
    return [f"{unit_of(stack, name)}.{kind}" for name in names for kind in ("timer", "service")]


def rows(stack: str, names: Iterable[str], units: Units) -> list[Row]:
    """Return one row per job."""
    return [_row(name, *_pair(stack, name, units)) for name in names]


def problems(stack: str, names: Iterable[str], units: Units) -> list[str]:
    """Return one sentence for each job that failed, and for each that is not scheduled."""
    sentences = []
    for name in names:
        timer, service = _pair(stack, name, units)
        unit = f"{unit_of(stack, name)}.service"
        if service.get("ActiveState") == "failed":
            sentences.append(
                f"job {name}: its last run {_result(service)}: see journalctl --unit {unit} on the host, and run it"
                f" again with systemctl start {unit}."
            )
        if timer.get("ActiveState") != "active":
            sentences.append(f"job {name}: its timer does not run, so it is not scheduled: run landfall.django.deploy.")
    return sentences


def _pair(stack: str, name: str, units: Units) -> tuple[Mapping[str, str], Mapping[str, str]]:
    unit = unit_of(stack, name)
    return units.get(f"{unit}.timer", {}), units.get(f"{unit}.service", {})


def _row(name: str, timer: Mapping[str, str], service: Mapping[str, str]) -> Row:
    # Since the host was started, systemd knows the service's own; the timer's last run is on its disk.
    last = service.get("ExecMainStartTimestamp") or timer.get("LastTriggerUSec")
    return {
        "job": name,
        "last": last if last and last != "n/a" else "-",
        "result": _result(service),
        "next": timer.get("NextElapseUSecRealtime") or "-",
    }


def _result(service: Mapping[str, str]) -> str:
    if service.get("ActiveState") in ("active", "activating", "deactivating"):
        return "running"
    if service.get("ActiveState") == "failed":
        code = f" with code {service['ExecMainStatus']}" if service.get("Result") == "exit-code" else ""
        return f"failed{code or ' (' + service.get('Result', 'unknown') + ')'}"
    return "success" if service.get("ExecMainStartTimestamp") else "-"
