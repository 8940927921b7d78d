# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Compose project on this host, with the files in force or with those of a release.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
# What Compose reads of a stack's folder, with permissions: two of them may hold secrets.
FILES = {"compose.yaml": 0o644, "compose.override.yaml": 0o600, ".env": 0o600}
_LABEL = "com.docker.compose."
# "Container shop-web-3  Recreate" in what `docker compose --dry-run create` says.
_RECREATED = re.compile(r"Container (\S+)\s+Recreate\b")
# Lays a release's files over those in force, for the one command that it then becomes (docs/decisions/0017). Where none
# are in force yet, or one is missing, the whole folder.
_LAID_OVER = """
for name in {names}; do [ -e "$2/$name" ] || whole=yes; done
if [ "${{whole-}}" ]; then mount --bind "$1" "$2" || exit
else for name in {names}; do mount --bind "$1/$name" "$2/$name" || exit; done
fi
shift 2; exec "$@"
"""


class Compose:
    """The project `name` in the folder `root`.

    With `files`, the folder of a release, Compose finds that release's files in the place of those in force, while
    everybody else goes on seeing the latter. The containers that it makes are those that the same files make once they
    are in force: Compose compares the paths of files too.
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
        """What comes before a command that is to see the release's files; nothing for those in force."""
        if self.files is None:
            return []
        script = _LAID_OVER.format(names=" ".join(FILES))
        return ["unshare", "--mount", "--", "sh", "-c", script, "compose", str(self.files), self.root]

    def once(self, service: str, *command: str, timeout: float) -> str:
        """Run a one-off container of a release's service to its end and return what it printed."""
        run = ("--profile", "release", "run", "--rm", "--no-deps", "-T", service)
        return self(*run, *command, timeout=timeout, lines=LOG_LINES)

    def services(self) -> list[str]:
        """The services that the files name, but those of a profile."""
        return self("config", "--services").split()

    def containers(self, service: str = "") -> dict[str, dict[str, Any]]:
        """Inspect the project's containers, or those of one service, by name; one-off ones do not count."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=False"]
        if service:
            own.append(f"label={_LABEL}service={service}")
        return {name_of(item): item for item in containers(own)}

    def names(self, service: str) -> list[str]:
        """The names of the containers of a service."""
        return sorted(self.containers(service))

    def has_network(self, name: str) -> bool:
        """Whether a network of the project is there."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}network={name}"]
        filters = [word for value in own for word in ("--filter", value)]
        return bool(docker("network", "ls", "--quiet", *filters).strip())

    def left_over(self, service: str) -> list[dict[str, Any]]:
        """The one-off containers of a service that a run which was killed has left."""
        own = [f"label={_LABEL}project={self.name}", f"label={_LABEL}oneoff=True", f"label={_LABEL}service={service}"]
        return containers(own)

    def end_left_over(self, service: str, patience: float = 0) -> None:
        """Remove them; those that still run may come to their end first, for `patience` seconds.

        Raises DockerError for one that does not.
        """
        for item in self.left_over(service):
            if patience and is_running(item):
                self._wait(item, service, patience)
            docker("rm", "--force", item["Id"])

    def _wait(self, item: dict[str, Any], service: str, patience: float) -> None:
        try:
            docker("wait", item["Id"], timeout=patience)
        except DockerError as error:
            # One that removes itself may be gone before it is waited for.
            if any(one["Id"] == item["Id"] and is_running(one) for one in self.left_over(service)):
                name = name_of(item)
                raise DockerError(
                    f"{name} of an earlier release still runs, and is not cut off: let it end, or end it with docker rm"
                    f" --force {name}\n{error}"
                ) from error

    def outdated(self, services: Iterable[str], counts: dict[str, int]) -> set[str]:
        """Ask Compose itself which containers differ from the files: only it knows how it compares.

        All `services` are named, since a container counts as another one where what it depends on is not. `counts` says
        how many containers some of them have.
        """
        if not counts:
            return set()
        scale = [f"--scale={name}={count}" for name, count in counts.items()]
        # `up` would wait for the health of what is down. A dry run pulls past the engine, and knows no mirror of it.
        dry_run = ("--dry-run", "--progress=plain", "create", "--pull=never", *scale, *services)
        return parse_recreated(self(*dry_run, merge=True))


def service_of(inspected: dict[str, Any]) -> str:
    """The service that a container belongs to."""
    return str(inspected["Config"]["Labels"][_LABEL + "service"])


def parse_recreated(said: str) -> set[str]:
    """Return the names of the containers that Compose would recreate, from what its dry run said."""
    return set(_RECREATED.findall(said))
