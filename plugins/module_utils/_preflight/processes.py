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
RESERVED_SERVICES = ("db", "redis", "web", "nginx", "edge", "migrate", "collectstatic", "image-static")
COMMANDS = ("stack_web_command", "stack_manage_command", "stack_migrate_command")
MOMENTS = ("before_migrate", "after_migrate", "after_switch")

_OF_SHELLS = {"&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1"}

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
        yield from _words(name, "it", values.get(name) or "")
    yield from _release_commands(values.get("stack_release_commands") or {})


def _release_commands(given: Mapping[str, Any]) -> Iterator[str]:
    for moment, commands in given.items():
        if moment not in MOMENTS:
            yield f"stack_release_commands: there is no moment '{moment}': use {', '.join(MOMENTS)}."
            continue
        for command in commands or ():
            if not isinstance(command, str) or not command.strip():
                yield f"stack_release_commands: {command!r} of {moment} is not a command: write it in quotes."
            else:
                yield from _words("stack_release_commands", f"'{command}'", command)


def _command(name: str, command: Any) -> Iterator[str]:
    if not isinstance(command, str):
        yield f"stack_processes: the command of {name} is not a text: write it in quotes, as in a shell."
    elif not command.strip():
        yield f"stack_processes: the command of {name} is empty: give one, or leave {name} out."
    elif wrong := list(_words("stack_processes", f"the command of {name}", command)):
        yield from wrong
    elif processes.kind_of(command) == processes.BOTH:
        yield (
            f"stack_processes: {name} is a worker with a beat inside (-B), and each release would have two beats for a "
            f"while: leave -B out, and give beat a process of its own, such as {name}-beat: celery --app=… beat."
        )


def _words(variable: str, what: str, command: str) -> Iterator[str]:
    """What is wrong with a command, which no shell runs."""
    try:
        words = shlex.split(command)
    except ValueError:
        yield f"{variable}: {what} has a quotation mark that nothing closes: close it."
        return
    if found := next((word for word in words if word in _OF_SHELLS), ""):
        yield (
            f"{variable}: {what} has {found}, which only a shell knows, and no shell runs it: put it into one, as in"
            " sh -c 'first && second'."
        )
