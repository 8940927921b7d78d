# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Compose project on this host, with the files in force or with those of a release.

Private to this collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import (
    DockerError,
    containers,
    docker,
    is_running,
    name_of,
)

LOG_LINES = 50
# The files that Compose reads in a stack's folder, with their modes: two may contain secrets.
FILES = {"compose.yaml": 0o644, "compose.override.yaml": 0o600, ".env": 0o600}
_LABEL = "com.docker.compose."
# "Container shop-web-3  Recreate" in what `docker compose --dry-run create` says.
_RECREATED = re.compile(r"Container (\S+)\s+Recreate\b")
# Mounts a release's files over those in force, for one command, which replaces this script (docs/decisions/0017). Where
# a file is missing in force, it mounts the whole folder.
_MOUNT_SCRIPT = """
for name in {names}; do [ -e "$2/$name" ] || whole=yes; done
if [ "${{whole-}}" ]; then mount --bind "$1" "$2" || exit
else for name in {names}; do mount --bind "$1/$name" "$2/$name" || exit; done
fi
shift 2; exec "$@"
"""


class Compose:
    """The Compose project `name` in the folder `root`.

    With `files`, the folder of a release, Compose reads that release's files instead of those in force, which all
    others still see. Compose compares file paths too, so the containers stay up to date when these files are in force.
    """

    def __init__(self, root: str, name: str, files: Path | None = None):
        self.root = root
        self.name = name
        self.files = files

    def __call__(
        self, *arguments: str, timeout: float = 600, merge: bool = False, lines: int = 20, given: str = ""
    ) -> str:
        command = ("compose", "--project-directory", self.root, *arguments)
        return docker(*command, timeout=timeout, merge=merge, lines=lines, given=given, before=self.view())

    def view(self) -> list[str]:
        """Return the command that runs another one with the release's files; empty for the files in force."""
        if self.files is None:
            return []
        script = _MOUNT_SCRIPT.format(names=" ".join(FILES))
        return ["unshare", "--mount", "--", "sh", "-c", script, "compose", str(self.files), self.root]

    def once(self, service: str, *command: str, timeout: float, environment: Mapping[str, str] | None = None) -> str:
        """Run a one-off container of a service with the profile release, and return its output.

        Everybody on the host can read the values in `environment`.
        """
        further = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        run = ("--profile", "release", "run", "--rm", "--no-deps", "-T", *further, service)
        return self(*run, *command, timeout=timeout, lines=LOG_LINES)

    def services(self) -> list[str]:
        """Return the services in the files, without those of a profile."""
        return self("config", "--services").split()

    def image(self, service: str) -> str:
        """Return the image of a service in the files."""
        return str(json.loads(self("config", "--format", "json"))["services"][service]["image"])

    def containers(self, service: str = "") -> dict[str, dict[str, Any]]:
        """Inspect the containers of the project or of one service, by name, without one-off containers."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=False"]
        if service:
            own.append(f"label={_LABEL}service={service}")
        return {name_of(item): item for item in containers(own)}

    def names(self, service: str) -> list[str]:
        """Return the names of the containers of a service."""
        return sorted(self.containers(service))

    def names_of(self, services: Iterable[str]) -> dict[str, set[str]]:
        """Return the names of the containers of each of these services. Docker is asked once for all of them."""
        found = {name: service_of(item) for name, item in self.containers().items()}
        return {service: {name for name, own in found.items() if own == service} for service in services}

    def has_network(self, name: str) -> bool:
        """Return whether a network of the project exists."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}network={name}"]
        filters = [word for value in own for word in ("--filter", value)]
        return bool(docker("network", "ls", "--quiet", *filters).strip())

    def left_over(self) -> list[dict[str, Any]]:
        """Return the one-off containers that a killed run left behind."""
        return containers([f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=True"])

    def end_left_over(self, patience: Mapping[str, float]) -> None:
        """Remove those of the services in `patience`. One that still runs may end within that number of seconds; with 0
        it is removed at once.

        Raises DockerError for a container that does not end in time.
        """
        for item in self.left_over():
            seconds = patience.get(service_of(item))
            if seconds is None:
                continue
            if seconds and is_running(item):
                self._wait(item, seconds)
            docker("rm", "--force", item["Id"])

    def _wait(self, item: dict[str, Any], patience: float) -> None:
        try:
            docker("wait", item["Id"], timeout=patience)
        except DockerError as error:
            # A container that removes itself may be gone before `docker wait`.
            if any(one["Id"] == item["Id"] and is_running(one) for one in self.left_over()):
                name = name_of(item)
                raise DockerError(
                    f"{name} of an earlier release still runs, and is not interrupted: wait until it ends, or end it"
                    f" with docker rm --force {name}\n{error}"
                ) from error

    def outdated(self, services: Iterable[str], counts: dict[str, int]) -> set[str]:
        """Return the containers that differ from the files, by a dry run: only Compose knows how it compares them.

        Name all services: whether a container is up to date depends on the services that it depends on. `counts` is the
        number of present containers per service.
        """
        if not counts:
            return set()
        scale = [f"--scale={name}={count}" for name, count in counts.items()]
        # Not `up`, which waits for the health of stopped services. No pull: a dry run ignores the engine's mirrors.
        dry_run = ("--dry-run", "--progress=plain", "create", "--pull=never", *scale, *services)
        return parse_recreated(self(*dry_run, merge=True))


def service_of(inspected: dict[str, Any]) -> str:
    """Return the service of a container."""
    return str(inspected["Config"]["Labels"][_LABEL + "service"])


def parse_recreated(output: str) -> set[str]:
    """Return the names of the containers that Compose would recreate, from the output of its dry run."""
    return set(_RECREATED.findall(output))
