# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a stack's scheduled jobs. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import processes, syntax

_OPTIONS = {"schedule", "command"}
# Neither a specifier of systemd nor a line of its own in the unit.
CALENDAR = re.compile(r"[A-Za-z0-9 *:.,~/_+-]+")


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    for name, job in (values.get("stack_cron") or {}).items():
        if not syntax.is_service(name):
            yield f"stack_cron: '{name}' is not the name of a job: use lower-case letters, digits and hyphens."
        elif not isinstance(job, Mapping) or set(job) != _OPTIONS:
            yield f"stack_cron: {name} is not a schedule and a command: write {{schedule: daily, command: …}}."
        elif f"cron-{name}" in (values.get("stack_processes") or {}):
            yield f"stack_cron: {name} gets the service cron-{name}, which stack_processes has: rename one of them."
        else:
            yield from _job(name, job)


def _job(name: str, job: Mapping[str, Any]) -> Iterator[str]:
    schedule = job["schedule"]
    if not isinstance(schedule, str) or not CALENDAR.fullmatch(schedule):
        yield (
            f"stack_cron: the schedule of {name}, {schedule!r}, is not a calendar expression of systemd: write it as in"
            " 'daily', '*-*-* 04:30:00' or '*:0/15'."
        )
    yield from processes.command_problems("stack_cron", name, job["command"])


def schedules(values: Mapping[str, Any]) -> list[str]:
    """Return the schedules to ask the host about."""
    found = [job.get("schedule") for job in (values.get("stack_cron") or {}).values() if isinstance(job, Mapping)]
    return sorted({one for one in found if isinstance(one, str) and CALENDAR.fullmatch(one)})


def host_problems(values: Mapping[str, Any], probe: Mapping[str, Any]) -> Iterator[str]:
    """What the host's systemd says of the schedules."""
    for name, job in (values.get("stack_cron") or {}).items():
        schedule = job.get("schedule") if isinstance(job, Mapping) else None
        if isinstance(schedule, str) and (fault := probe.get("calendars", {}).get(schedule)):
            yield (
                f"stack_cron: the schedule of {name} does not work on the host: {fault}. Try it there with"
                " systemd-analyze calendar."
            )
