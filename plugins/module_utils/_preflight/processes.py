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

from ansible_collections.landfall.django.plugins.module_utils._preflight import syntax
from ansible_collections.landfall.django.plugins.module_utils._project import processes

# Those of the stack and of the front, and those that a release runs once.
RESERVED_SERVICES = (
    "db",
    "redis",
    "web",
    "nginx",
    "edge",
    "migrate",
    "collectstatic",
    "image-static",
    "database-client",
)
COMMANDS = ("stack_web_command", "stack_manage_command", "stack_migrate_command")
MOMENTS = ("before_migrate", "after_migrate", "after_switch")

_OF_SHELLS = {"&&", "||", ";", "|", "&", ">", ">>", "<", "2>&1"}

_OPTIONS = ("command", "memory", "replicas", "stop_timeout")
# As Docker reads it, but never a number of bytes.
_MEMORY = re.compile(r"[1-9]\d*(\.\d+)?[kmg]b?", re.IGNORECASE)
# The least and the most; above the most, a number is a slip of the pen.
_BOUNDS = {"replicas": (1, 1000), "stop_timeout": (0, 7 * 86400)}


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    given = values.get("stack_processes") or {}
    for name, value in given.items():
        if str(name).lower() in RESERVED_SERVICES:
            yield f"stack_processes: '{name}' is a service that the stack has already: choose another name."
        elif not syntax.is_service(name):
            yield f"stack_processes: '{name}' is not the name of a service: use lower-case letters, digits and hyphens."
        else:
            yield from _process(name, processes.options_of(value))
    yield from _two_beats({name: processes.options_of(value).get("command") for name, value in given.items()})
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


def _process(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    for option in options:
        if option not in _OPTIONS:
            yield f"stack_processes: {name} has no option '{option}': use {', '.join(_OPTIONS)}."
    memory = options.get("memory")
    if memory is not None and not _MEMORY.fullmatch(str(memory)):
        yield f"stack_processes: the memory of {name}, '{memory}', is not a size: write it as in 512m or 1g."
    for option, (least, most) in _BOUNDS.items():
        number = number_of(options.get(option, least))
        if number is None or not least <= number <= most:
            yield (
                f"stack_processes: {option} of {name} is {options[option]!r}: give a whole number from {least} to"
                f" {most}."
            )
    if kind_of(options.get("command")) == processes.BEAT and (number_of(options.get("replicas", 1)) or 1) > 1:
        yield (
            f"stack_processes: {name} is a beat with {options['replicas']} replicas, and each would queue every task:"
            " leave replicas out."
        )
    command = options.get("command")
    yield from command_problems("stack_processes", name, command)
    if kind_of(command) == processes.BOTH:
        yield (
            f"stack_processes: {name} is a worker with a beat inside (-B), and each release would have two beats for a "
            f"while: leave -B out, and give beat a process of its own, such as {name}-beat: celery --app=… beat."
        )


def number_of(value: Any) -> int | None:
    """A whole number, also as a template may return it."""
    if isinstance(value, bool) or not str(value).isdecimal():
        return None
    return int(value)


def kind_of(command: Any) -> str:
    try:
        return processes.kind_of(command) if isinstance(command, str) else processes.OTHER
    except ValueError:
        return processes.OTHER


def _two_beats(commands: Mapping[Any, Any]) -> Iterator[str]:
    first: dict[str, Any] = {}
    for name, command in commands.items():
        if kind_of(command) != processes.BEAT:
            continue
        other = first.setdefault(processes.app_of(command), name)
        if other != name:
            yield (
                f"stack_processes: {other} and {name} are two beats of one Celery app, and each would queue every task:"
                " keep one."
            )


def command_problems(variable: str, name: str, command: Any) -> Iterator[str]:
    """What is wrong with the command of a process or a job."""
    if not isinstance(command, str):
        yield f"{variable}: the command of {name} is not a text: write it in quotes, as in a shell."
    elif not command.strip():
        yield f"{variable}: the command of {name} is empty: give one, or leave {name} out."
    else:
        yield from _words(variable, f"the command of {name}", command)


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
