# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The project's own commands in a release, each in a one-off container of the new image.

Private to this collection.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release.hints import describe_error
from ansible_collections.landfall.django.plugins.module_utils._release.record import Journal
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site

OUTPUT = "commands.log"  # beside the record, for root only: a command may print anything
# The services of compose.yaml that run once. The last two write where static files are collected.
MIGRATE, COLLECT, IMAGE_STATIC = "migrate", "collectstatic", "image-static"
_LIMIT = 3600  # seconds for a command


def run_commands(site: Site, compose: Compose, journal: Journal, when: str) -> None:
    """Run the commands of the site for the moment `when`, and keep their output. Raises ReleaseError for the first that
    fails."""
    for command in getattr(site, when):
        with journal.step(command):
            try:
                _keep(journal.folder, command, _run(site, compose, journal.record.release, command))
            except DockerError as error:
                _keep(journal.folder, command, error.output)
                raise ReleaseError(
                    f"stack_release_commands: {command} ({when}) failed: {describe_error(error)}\nIts output is in"
                    f" {journal.folder / OUTPUT}."
                ) from error


def _run(site: Site, compose: Compose, release: int, command: str) -> str:
    service = COLLECT if site.static_release or site.static_elsewhere else MIGRATE
    environment = {"RELEASE": str(release), "REVISION": site.revision}
    return compose.once(service, *shlex.split(command), timeout=_LIMIT, environment=environment)


def _keep(folder: Path, command: str, output: str) -> None:
    file = os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(file, "w") as log:
        log.write(f"$ {command}\n{output}\n")
