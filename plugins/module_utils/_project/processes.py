# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind of a process, read from its command: a Celery worker, a Celery beat, both, or another program.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORKER, BEAT, BOTH, OTHER = "worker", "beat", "both", "other"
# Runs Celery so that a frozen process becomes unhealthy.
HEARTBEAT = "/run/landfall/celery_heartbeat.py"
# On this signal it requeues the running tasks, and names each in a line of the log after this text.
REQUEUE_SIGNAL, REQUEUED = "USR2", "celery_heartbeat: requeued"
# Where beat can write: the working folder, where it would keep its schedule, is read-only.
SCHEDULE = "/var/lib/celery/schedule"

# The options that take a value, from `celery --help` of Celery 5.
_GLOBAL = {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
_OF_WORKER = {
    *("-A", "--app", "-b", "--broker"),  # Celery 4 took them here
    *("-n", "--hostname", "-S", "--statedb", "-l", "--loglevel", "-O", "--optimization", "--prefetch-multiplier"),
    *("-c", "--concurrency", "-P", "--pool", "--time-limit", "--soft-time-limit", "--max-tasks-per-child"),
    *("--pool-start-method", "--max-memory-per-child", "-Q", "--queues", "-X", "--exclude-queues", "-I", "--include"),
    *("--heartbeat-interval", "--autoscale", "-s", "--schedule", "--schedule-filename", "--scheduler"),
    *("-f", "--logfile", "--pidfile", "--uid", "--gid", "--umask", "--executable"),
}
# The options of Python that take a value.
_OF_PYTHON = {"-W", "-X", "--check-hash-based-pycs"}
_PYTHON = re.compile(r"python(\d(\.\d+)?)?")
# Programs that run another command, which is among their arguments.
_LAUNCHERS = {
    *("env", "exec", "nice", "ionice", "nohup", "setsid", "stdbuf", "timeout", "setpriv", "su-exec", "gosu", "chpst"),
    *("tini", "dumb-init", "catatonit", "s6-setuidgid", "poetry", "uv", "pipenv", "pdm", "hatch", "rye", "conda"),
    *("micromamba", "ddtrace-run", "newrelic-admin", "opentelemetry-instrument", "watchmedo", "watchfiles"),
}
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SCHEDULE_OPTION = re.compile(r"-s.*|--schedule(-filename)?(=.*)?", re.DOTALL)
_APP_OPTION = re.compile(r"(?:^|\s)(?:-A\s*|--app(?:=|\s+))([^\s'\"]+)")


@dataclass(frozen=True)
class Process:
    """One process: its `kind`, whether the heartbeat watches it, and its command for Compose.

    An empty `memory` and no `stop_timeout` stand for the limit and the seconds that its kind has.
    """

    name: str
    kind: str
    watched: bool
    command: str | list[str]
    memory: str = ""
    replicas: int = 1
    stop_timeout: int | None = None


def processes(given: Mapping[str, str | Mapping[str, Any]]) -> list[Process]:
    """Return the processes in the order in which a release replaces them: beat last, after the workers that run its
    tasks. Each is given as its command, or as a dictionary.

    Raises ValueError where a command cannot be split into words.
    """
    found = [_process(name, options_of(value)) for name, value in given.items()]
    return sorted(found, key=lambda process: process.kind == BEAT)


def options_of(value: Any) -> dict[str, Any]:
    """Return the options of a process or job, of which a command alone is the short form."""
    return dict(value) if isinstance(value, Mapping) else {"command": value}


def app_of(command: str) -> str:
    """Return the Celery app in a command's option; empty where it has none."""
    found = _APP_OPTION.search(command)
    return found.group(1) if found else ""


def kind_of(command: str) -> str:
    """Return the kind of a command. Raises ValueError where it cannot be split into words."""
    return _kind(shlex.split(command))


def _process(name: str, options: Mapping[str, Any]) -> Process:
    command = options["command"]
    words = shlex.split(command)
    kind = _kind(words)
    watched = _watched(words) if kind in (WORKER, BEAT) else None
    if kind == BEAT and watched and not any(_SCHEDULE_OPTION.fullmatch(word) for word in watched):
        watched = [*watched, f"--schedule={SCHEDULE}"]
    timeout = options.get("stop_timeout")
    return Process(
        name,
        kind,
        watched is not None,
        watched or command,
        str(options.get("memory") or ""),
        int(options.get("replicas", 1)),
        None if timeout is None else int(timeout),
    )


def _kind(words: Sequence[str]) -> str:
    if not words:
        return OTHER
    program = _base(words[0])
    if program == "celery":
        return _kind_of_celery(words[1:])
    if program in _SHELLS:
        return _together({_kind(part) for part in _simple_commands(_script(words))})
    if _PYTHON.fullmatch(program):
        begin = _celery_in_python(words)
        return _kind_of_celery(words[begin:]) if begin else OTHER
    if program in _LAUNCHERS:
        # Its own options are not known: the command begins at the first word that starts a known one.
        found = (_kind(words[begin:]) for begin in range(1, len(words)))
        return next((kind for kind in found if kind != OTHER), OTHER)
    return OTHER


def _kind_of_celery(words: Sequence[str]) -> str:
    place, name = next(_without_options(words, _GLOBAL), (0, ""))
    if name not in (WORKER, BEAT):
        return OTHER
    return BOTH if name == WORKER and _embeds_beat(words[place + 1 :]) else name


def _together(kinds: set[str]) -> str:
    kinds = kinds - {OTHER}
    if len(kinds) > 1:
        return BOTH
    return kinds.pop() if kinds else OTHER


def _script(words: Sequence[str]) -> str:
    """Return the script after a shell's option -c; empty where it runs a file."""
    for number, word in enumerate(words[1:-1], 1):
        if not word.startswith("-"):
            return ""
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return words[number + 1]
    return ""


def _simple_commands(script: str) -> Iterator[list[str]]:
    """Yield the commands of a shell script, as far as it consists of plain words."""
    lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars="();&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    command: list[str] = []
    # A here document may contain a single quotation mark.
    with contextlib.suppress(ValueError):
        for word in lexer:
            if word.strip("();&|"):
                command.append(word)
            else:
                yield command
                command = []
    yield command


def _celery_in_python(words: Sequence[str]) -> int:
    """Return the index of celery's arguments where Python runs it as a module or script; 0 where it does not."""
    skip = False
    for number, word in enumerate(words[1:], 1):
        if skip:
            skip = False
        elif word == "-mcelery":
            return number + 1
        elif word == "-m":
            return number + 2 if words[number + 1 : number + 2] == ["celery"] else 0
        elif not word.startswith("-"):
            return number + 1 if _base(word) == "celery" else 0
        else:
            skip = word in _OF_PYTHON
    return 0


def _without_options(words: Sequence[str], with_value: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the index and word of all arguments that are neither options nor their values."""
    skip = False
    for number, word in enumerate(words):
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = word in with_value
        else:
            yield number, word


def _embeds_beat(words: Sequence[str]) -> bool:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--"):
            if word == "--beat":
                return True
            skip = word in _OF_WORKER
        elif word.startswith("-"):
            for place, letter in enumerate(word[1:], 2):
                if letter == "B":
                    return True
                if f"-{letter}" in _OF_WORKER:
                    # Its value is the rest of this word, or else the next word.
                    skip = place == len(word)
                    break
    return False


def _watched(words: Sequence[str]) -> list[str] | None:
    """Return the command that runs under the heartbeat; None where it is not certain which Python runs celery."""
    begin = 0
    if _base(words[0]) == "env":
        begin = next((number for number, word in enumerate(words) if number and not _ASSIGNMENT.fullmatch(word)), 0)
    before, program, rest = list(words[:begin]), words[begin], words[begin:]
    if program == "celery":
        return [*before, "python3", HEARTBEAT, *rest[1:]]
    after = _celery_in_python(rest) if _PYTHON.fullmatch(_base(program)) else 0
    module = {"-mcelery": 1, "celery": 2}.get(rest[after - 1], 0) if after else 0
    if not module or (module == 2 and rest[after - 2] != "-m"):
        return None
    return [*before, *rest[: after - module], HEARTBEAT, *rest[after:]]


def _base(word: str) -> str:
    return word.rpartition("/")[2]
