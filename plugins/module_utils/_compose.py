# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Compose project on this host.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker import containers, docker

LOG_LINES = 50
_LABEL = "com.docker.compose."
# "Container shop-web-3  Recreate" in what `docker compose --dry-run create` says.
_RECREATED = re.compile(r"Container (\S+)\s+Recreate\b")


class Compose:
    """The project `name`, whose compose.yaml and .env lie in `root`."""

    def __init__(self, root: str, name: str):
        self.root = root
        self.name = name

    def __call__(
        self, *arguments: str, timeout: float = 600, merge: bool = False, lines: int = 20, given: str = ""
    ) -> str:
        command = ("compose", "--project-directory", self.root, *arguments)
        return docker(*command, timeout=timeout, merge=merge, lines=lines, given=given)

    def once(self, service: str, *command: str, timeout: float) -> str:
        """Run a one-off container of a release's service to its end and return what it printed."""
        run = ("--profile", "release", "run", "--rm", "--no-deps", "-T", service)
        return self(*run, *command, timeout=timeout, lines=LOG_LINES)

    def containers(self, service: str = "") -> dict[str, dict[str, Any]]:
        """Inspect the project's containers, or those of one service, by name; one-off ones do not count."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=False"]
        if service:
            own.append(f"label={_LABEL}service={service}")
        return {item["Name"].lstrip("/"): item for item in containers(own)}

    def names(self, service: str) -> list[str]:
        """The names of the containers of a service."""
        return sorted(self.containers(service))

    def has_network(self, name: str) -> bool:
        """Whether a network of the project is there."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}network={name}"]
        filters = [word for value in own for word in ("--filter", value)]
        return bool(docker("network", "ls", "--quiet", *filters).strip())

    def forget_once(self, services: Iterable[str]) -> None:
        """Remove the one-off containers that a run which was killed has left."""
        for service in services:
            own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=True"]
            for item in containers([*own, f"label={_LABEL}service={service}"]):
                docker("rm", "--force", item["Id"])

    def outdated(self, files: Iterable[str], services: Iterable[str], counts: dict[str, int]) -> set[str]:
        """Ask Compose itself which containers differ from `files`: only it knows how it compares.

        All `services` are named, since a container counts as another one where what it depends on is not. `counts` says
        how many containers some of them have.
        """
        if not counts:
            return set()
        scale = [f"--scale={name}={count}" for name, count in counts.items()]
        # `up` would wait for the health of what is down. A dry run pulls past the engine, and knows no mirror of it.
        dry_run = ("--dry-run", "--progress=plain", "create", "--pull=never", *scale, *services)
        return recreated(self(*files, *dry_run, merge=True))


def service_of(inspected: dict[str, Any]) -> str:
    """The service that a container belongs to."""
    return str(inspected["Config"]["Labels"][_LABEL + "service"])


def recreated(said: str) -> set[str]:
    """Return the names of the containers that Compose would recreate, from what its dry run said."""
    return set(_RECREATED.findall(said))
