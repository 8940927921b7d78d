# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of the role backup. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions, jobs, numbers, syntax

Values = Mapping[str, Any]

SCHEDULES = ("backup_schedule", "backup_drill_schedule")
PERIODS = ("days", "weeks", "months")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What the role sets itself.
_OWN = {
    "RESTIC_REPOSITORY": "backup_repository",
    "RESTIC_PASSWORD": "backup_password",
    "RESTIC_PASSWORD_FILE": "backup_password",
    "RESTIC_REPOSITORY_FILE": "backup_repository",
}


def asked(values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell: whether the stack is there, and what systemd says of the schedule."""
    return {"stack_root": values.get("backup_root", ""), "calendars": _schedules(values)}


def _schedules(values: Values) -> list[str]:
    return [values[name] for name in SCHEDULES if jobs.CALENDAR.fullmatch(values.get(name, ""))]


def problems_of(values: Values) -> Iterator[str]:
    """All that is wrong; a variable that is not among the values is taken as good."""
    stack, root = values.get("backup_stack"), values.get("backup_root")
    if stack is not None and not syntax.is_service(stack):
        yield f"backup_stack: '{stack}' is not the name of a stack: set it to the stack_name of one."
    if root is not None and not (root.startswith("/") and syntax.is_host_path(root)):
        yield f"backup_root: '{root}' is not a folder of a stack: set it to an absolute path without spaces."
    for name in SCHEDULES:
        if values.get(name) and not jobs.CALENDAR.fullmatch(values[name]):
            yield (
                f"{name}: '{values[name]}' is not a calendar expression of systemd: write it as in 'daily' or"
                " '*-*-* 03:10:00'."
            )
    yield from _keep(values.get("backup_keep", {"days": 1}))
    yield from _repository(values)
    for folder in values.get("backup_folders", []):
        if not folder.startswith("/") or "\n" in folder:
            yield f"backup_folders: '{folder}' is not an absolute path."
    yield from numbers.problems_of(values, "backup_")


def _keep(keep: Mapping[str, Any]) -> Iterator[str]:
    unknown = sorted(set(keep) - set(PERIODS))
    if unknown:
        yield f"backup_keep: {', '.join(unknown)} is none of {', '.join(PERIODS)}."
    counts = [str(keep[name]) for name in PERIODS if name in keep]
    if not all(count.isdigit() for count in counts):
        yield "backup_keep: the numbers of days, weeks and months must be whole numbers."
    elif not any(map(int, counts)):
        yield "backup_keep: it keeps nothing but the newest backup: set days, weeks or months to 1 or more."


def _repository(values: Values) -> Iterator[str]:
    if re.search(r"\s", values.get("backup_repository", "")):
        yield "backup_repository: an address has no spaces: correct it."
    for name in values.get("backup_repository_environment", {}):
        if name in _OWN:
            yield f"backup_repository_environment: {name}: use {_OWN[name]} instead."
        elif not _VARIABLE.fullmatch(str(name)):
            yield f"backup_repository_environment: '{name}' is not the name of an environment variable."
    password = values.get("backup_password", "")
    if "\n" in password or (password and len(password) < 12):
        yield "backup_password: use one line of 12 or more characters, since others may try to guess it."


def host_problems(values: Values, probe: Mapping[str, Any]) -> Iterator[str]:
    yield from distributions.problems_of(probe["distribution"])
    for name in SCHEDULES:
        if fault := probe.get("calendars", {}).get(values.get(name)):
            yield f"{name}: it does not work on the host: {fault}. Try it there with systemd-analyze calendar."
