# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a stack's processes and commands. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._project import processes

# Those of the stack and of the front, and those that a release runs once.
RESERVED_SERVICES = ("db", "redis", "web", "nginx", "edge", "migrate", "collectstatic")
COMMANDS = ("stack_web_command", "stack_manage_command", "stack_migrate_command")

_SERVICE = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    for name, command in (values.get("stack_processes") or {}).items():
        if str(name).lower() in RESERVED_SERVICES:
            yield f"stack_processes: '{name}' is a service that the stack has already: choose another name."
        elif not isinstance(name, str) or not _SERVICE.fullmatch(name):
            yield f"stack_processes: '{name}' is not the name of a service: use lower-case letters, digits and hyphens."
        else:
            yield from _command(name, command)
    for name in COMMANDS:
        if not _can_be_split(values.get(name) or ""):
            yield f"{name}: it has a quotation mark that nothing closes: close it."


def _command(name: str, command: Any) -> Iterator[str]:
    if not isinstance(command, str):
        yield f"stack_processes: the command of {name} is not a text: write it in quotes, as in a shell."
    elif not command.strip():
        yield f"stack_processes: the command of {name} is empty: give one, or leave {name} out."
    elif not _can_be_split(command):
        yield f"stack_processes: the command of {name} has a quotation mark that nothing closes: close it."
    elif processes.kind_of(command) == processes.BOTH:
        yield (
            f"stack_processes: {name} is a worker with a beat inside (-B), and each release would have two beats for a "
            f"while: leave -B out, and give beat a process of its own, such as {name}-beat: celery --app=… beat."
        )


def _can_be_split(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True
