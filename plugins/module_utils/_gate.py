# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must go well in one-off containers of the new image before it may take traffic.

Private to this collection.
"""

from __future__ import annotations

import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils import _dump, _static
from ansible_collections.landfall.django.plugins.module_utils._compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError
from ansible_collections.landfall.django.plugins.module_utils._site import RolloutError, Site, Steps

# The services of compose.yaml that run once.
MIGRATE, COLLECT = "migrate", "collectstatic"
ONCE = (MIGRATE, COLLECT)
_LIMIT = 3600  # seconds for a one-off command
_MIGRATION = re.compile(r"^\[( |X)\]\s+(\S+)", re.MULTILINE)


class Gate:
    """The checks, the migrations and the static files of one release."""

    def __init__(self, site: Site, compose: Compose, steps: Steps):
        self.site = site
        self.compose = compose
        self.step = steps
        self.migrations: list[str] = []
        self.dump: Path | None = None
        self.unpublished: list[str] = []

    def run(self, number: int) -> None:
        """Let release `number` through, or raise RolloutError."""
        # Three starts of Django at once, on the usual two cores, take half the time of three in a row. The very first
        # makes the stack's network; several at once would make several.
        at_once = 3 if self.compose.has_network("default") else 1
        with self.step("check and collect static files"), ThreadPoolExecutor(at_once) as pool:
            checked, collected = pool.submit(self._check), pool.submit(self._collect)
            pending, applied = pool.submit(self.pending).result()
            checked.result()
            collected.result()
        if pending != []:
            self._migrate(number, pending, applied)
        self._publish()

    def pending(self) -> tuple[list[str] | None, list[str]]:
        """The migrations that are pending, and those applied. None where only the project's own command knows."""
        site = self.site
        if not site.migrate_command:
            return [], []
        if not (site.manage_command and site.migrate_command.startswith(f"{site.manage_command} migrate")):
            return None, []
        return migrations(self._manage(MIGRATE, "showmigrations --plan", "list the migrations"))

    def _manage(self, service: str, arguments: str, what: str) -> str:
        command = [*shlex.split(self.site.manage_command), *arguments.split()]
        try:
            return self.compose.once(service, *command, timeout=_LIMIT)
        except DockerError as error:
            raise RolloutError(f"the new release cannot {what} ({' '.join(command)}). {error}") from error

    def _check(self) -> None:
        level = self.site.check_level
        if level and self.site.manage_command:
            cure = f"pass its own checks: correct it, or let stack_check_level allow it, which is {level} now"
            self._manage(MIGRATE, f"check --deploy --fail-level {level}", cure)

    def _collect(self) -> None:
        if not self.site.static_release:
            return
        self._manage(COLLECT, "collectstatic --noinput", "collect its static files")
        if not any(self._static.iterdir()):
            raise RolloutError(
                "collectstatic put nothing there: set stack_static_path to the project's STATIC_ROOT as seen in the"
                " image, or stack_collectstatic to false where the project serves its own files"
            )

    @property
    def _static(self) -> Path:
        return Path(self.site.project_src) / "static" / self.site.static_release

    def _publish(self) -> None:
        if self.site.static_release:
            with self.step("publish static files"):
                self.unpublished = _static.publish(self._static, Path(self.site.static_dest))

    def _migrate(self, number: int, pending: list[str] | None, applied: list[str]) -> None:
        root = self.site.project_src
        # A database without tables has nothing to lose.
        if applied or (pending is None and number > 1):
            with self.step("dump the database"):
                self.dump = _dump.dump(root, f"before-release-{number}")
        try:
            with self.step("migrate the database"):
                self.compose.once(MIGRATE, timeout=_LIMIT)
        except DockerError as error:
            cure = "What it did stays done, since MySQL cannot take table changes back."
            if self.dump:
                cure += (
                    f" The database as it was before is in {self.dump}; on the host, this brings it back:\n"
                    f"{_dump.restore_command(root, self.dump)}"
                )
            names = ", ".join(pending or []) or "unknown to Django"
            raise RolloutError(f"the migration failed (pending were: {names}). {error}\n{cure}") from error
        self.migrations = pending or []


def migrations(said: str) -> tuple[list[str], list[str]]:
    """Pending and applied migrations, from what `showmigrations --plan` printed."""
    found = _MIGRATION.findall(said)
    return [name for mark, name in found if mark == " "], [name for mark, name in found if mark == "X"]
