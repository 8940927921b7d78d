# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the docker command, so that a host needs nothing but Docker and python3.

Private to this collection.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run


class DockerError(Exception):
    """A docker command failed; the message holds the command without its environment, and what it printed: `said`."""

    def __init__(self, message: str, said: str = ""):
        super().__init__(message)
        self.said = said


def execute(
    command: Sequence[str], given: str, timeout: float, merge: bool
) -> subprocess.CompletedProcess[str]:  # the one way out: tests record it
    """Run a command that reads `given`; with `merge`, standard error comes among standard output."""
    return run(command, given, timeout, merge)


def docker(
    *arguments: str,
    timeout: float = 600,
    merge: bool = False,
    lines: int = 20,
    given: str = "",
    before: Sequence[str] = (),
) -> str:
    """Run `docker ARGUMENTS` and return its standard output; with `merge`, standard error as well.

    `before` is a program with its arguments that starts docker. The command reads `given`: a secret goes there, never
    among the arguments. Raises DockerError with the last `lines` of the output where it fails or takes more than
    `timeout` seconds.
    """
    command = ["docker", *arguments]
    try:
        done = execute([*before, *command], given, timeout, merge)
    except FileNotFoundError as error:
        raise DockerError("the docker command is missing: apply the role landfall.django.docker first") from error
    except subprocess.TimeoutExpired as error:
        raise DockerError(f"{' '.join(command)} took more than {timeout:g} seconds") from error
    if done.returncode:
        said = last_lines(done.stdout if merge else done.stderr or done.stdout, lines)
        raise DockerError(f"{' '.join(command)} failed with code {done.returncode}:\n{said}", said)
    return done.stdout


def inspect(*names: str, kind: str = "container") -> list[dict[str, Any]]:
    """Return what `docker inspect` knows of the named objects."""
    return json.loads(docker(kind, "inspect", *names)) if names else []


def containers(filters: Sequence[str]) -> list[dict[str, Any]]:
    """Inspect every container, running or not, that all of the `docker ps` filters select."""
    arguments = [part for value in filters for part in ("--filter", value)]
    names: list[str] = []
    while True:
        former, names = names, docker("ps", "--all", "--quiet", "--no-trunc", *arguments).split()
        try:
            return inspect(*names)
        except DockerError:
            # One that removes itself may be gone by then; where all are there, it is something else.
            if names == former:
                raise


def is_running(inspected: dict[str, Any]) -> bool:
    """Whether a container runs and is not about to be started again after an exit."""
    return bool(inspected["State"]["Running"] and not inspected["State"].get("Restarting"))


def name_of(inspected: dict[str, Any]) -> str:
    """A container's name, without the slash that Docker puts before it."""
    return str(inspected["Name"]).lstrip("/")


def last_lines(text: str, count: int) -> str:
    """Return the last `count` lines of `text`, without trailing white space."""
    return "\n".join(text.rstrip().splitlines()[-count:])
