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
    """A docker command failed. The message has the command, without its environment, and its `output`."""

    def __init__(self, message: str, output: str = ""):
        super().__init__(message)
        self.output = output


def execute(
    command: Sequence[str], given: str, timeout: float, merge: bool
) -> subprocess.CompletedProcess[str]:  # all docker commands run here: tests replace it
    """Run a command with `given` as standard input. With `merge`, standard error goes to standard output."""
    return run(command, given, timeout, merge)


def docker(
    *arguments: str,
    timeout: float = 600,
    merge: bool = False,
    lines: int = 20,
    given: str = "",
    before: Sequence[str] = (),
) -> str:
    """Run `docker ARGUMENTS` and return its standard output; with `merge`, standard error too.

    `before` is a command that runs docker. `given` is the standard input: a secret goes there, never into the
    arguments. Raises DockerError with the last `lines` of the output where it fails or takes longer than `timeout`
    seconds.
    """
    command = ["docker", *arguments]
    try:
        done = execute([*before, *command], given, timeout, merge)
    except FileNotFoundError as error:
        raise DockerError("the docker command is missing: apply the role landfall.django.docker first") from error
    except subprocess.TimeoutExpired as error:
        raise DockerError(f"{shown(command)} took more than {timeout:g} seconds") from error
    if done.returncode:
        output = last_lines(done.stdout if merge else done.stderr or done.stdout, lines)
        raise DockerError(f"{shown(command)} failed with code {done.returncode}:\n{output}", output)
    return done.stdout


def shown(command: Sequence[str]) -> str:
    """A command for a message; a program among its words would hide the rest."""
    return " ".join(word if "\n" not in word else "..." for word in command)


def inspect(*names: str, kind: str = "container") -> list[dict[str, Any]]:
    """Return the output of `docker inspect` for these objects."""
    return json.loads(docker(kind, "inspect", *names)) if names else []


def containers(filters: Sequence[str]) -> list[dict[str, Any]]:
    """Inspect all containers, running or not, that match all of the `docker ps` filters."""
    arguments = [part for value in filters for part in ("--filter", value)]
    names: list[str] = []
    while True:
        former, names = names, docker("ps", "--all", "--quiet", "--no-trunc", *arguments).split()
        try:
            return inspect(*names)
        except DockerError:
            # A container that removes itself may be gone by now. Where the list is the same, it is another error.
            if names == former:
                raise


def is_running(inspected: dict[str, Any]) -> bool:
    """Return whether a container runs and is not waiting for a restart after an exit."""
    return bool(inspected["State"]["Running"] and not inspected["State"].get("Restarting"))


def name_of(inspected: dict[str, Any]) -> str:
    """Return a container's name without Docker's leading slash."""
    return str(inspected["Name"]).lstrip("/")


def last_lines(text: str, count: int) -> str:
    """Return the last `count` lines of `text`, without trailing white space."""
    return "\n".join(text.rstrip().splitlines()[-count:])
