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


class DockerError(Exception):
    """A docker command failed; the message holds the command without its environment, and what it said."""


def docker(*arguments: str, timeout: float = 600, merge: bool = False, lines: int = 20, given: str = "") -> str:
    """Run `docker ARGUMENTS` and return its standard output; with `merge`, standard error as well.

    It reads `given`: a secret goes there, never among the arguments. Raises DockerError with the last `lines` of its
    output where it fails or takes more than `timeout` seconds.
    """
    command = ["docker", *arguments]
    try:
        done = subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise DockerError("the docker command is missing: apply the role landfall.django.docker first") from error
    except subprocess.TimeoutExpired as error:
        raise DockerError(f"{' '.join(command)} took more than {timeout:g} seconds") from error
    if done.returncode:
        said = last_lines(done.stdout if merge else done.stderr or done.stdout, lines)
        raise DockerError(f"{' '.join(command)} failed with code {done.returncode}:\n{said}")
    return done.stdout


def inspect(*names: str, kind: str = "container") -> list[dict[str, Any]]:
    """Return what `docker inspect` knows of the named objects."""
    return json.loads(docker(kind, "inspect", *names)) if names else []


def containers(filters: Sequence[str]) -> list[dict[str, Any]]:
    """Inspect every container, running or not, that all of the `docker ps` filters select."""
    arguments = [part for value in filters for part in ("--filter", value)]
    names = docker("ps", "--all", "--quiet", "--no-trunc", *arguments).split()
    return inspect(*names)


def last_lines(text: str, count: int) -> str:
    """Return the last `count` lines of `text`, without trailing white space."""
    return "\n".join(text.rstrip().splitlines()[-count:])
