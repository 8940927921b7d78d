# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services that keep a stack's data: started, upgraded and brought back in the course of a release.

Private to this collection.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._docker.mounts import holds_deleted
from ansible_collections.landfall.django.plugins.module_utils._release import in_force
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import SERVICES, UPGRADING, Journal
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo
from ansible_collections.landfall.django.plugins.module_utils._release.upgrade import DatabaseUpgrade

_PATIENCE = 300  # seconds for a database to make its first files


class Services:
    """The services of a site that have no code of the project."""

    def __init__(self, site: Site, ledger: Ledger):
        self.site = site
        self.ledger = ledger
        self.root = Path(site.project_src)

    def database_upgrade(self, compose: Compose) -> DatabaseUpgrade:
        """Return the upgrade of the database to the server in the files of `compose`."""
        return DatabaseUpgrade(self.site, compose, self.ledger, partial(self._start_former, (SERVICE,)))

    def upgrade(self, journal: Journal, compose: Compose, upgrade: DatabaseUpgrade, undo: Undo) -> None:
        """Give the data to the new server."""
        journal.enter(UPGRADING)
        undo.add("bring back the former database and containers", upgrade.roll_back)
        with journal.step(f"upgrade the database from {upgrade.old} to {upgrade.new}"):
            upgrade.run(journal, partial(_up, compose, (SERVICE,)))

    def start(self, journal: Journal, compose: Compose, names: tuple[str, ...], undo: Undo) -> None:
        """Start services with the files of `compose`, and wait until they are healthy."""
        if not names:
            return
        journal.enter(SERVICES)
        if in_force.is_empty(self.root):
            undo.add(f"remove {', '.join(names)}", _remove, compose, names)
        else:
            undo.add(f"bring back the former {', '.join(names)}", self._start_former, names)
        with journal.step(f"start {', '.join(names)} and wait until they answer"):
            _up(compose, names)

    def _start_former(self, names: tuple[str, ...]) -> None:
        compose = Compose(self.site.project_src, self.site.project_name)
        known = compose.services()
        if former := tuple(name for name in names if name in known):
            _up(compose, former)
        if added := [name for name in names if name not in known]:
            compose("rm", "--stop", "--force", *added)


def _remove(compose: Compose, names: tuple[str, ...]) -> None:
    compose("rm", "--stop", "--force", *names)
    # The networks too, unless a container had to stay.
    if not compose.containers():
        compose("down", "--remove-orphans")


def _up(compose: Compose, names: tuple[str, ...]) -> None:
    volumes.prepare(compose, names)
    # One that holds a deleted folder is as Compose wants it, and does not find its secrets there.
    held = any(holds_deleted(item) for name in names for item in compose.containers(name).values())
    force = ("--force-recreate",) if held else ()
    wait = ("--wait", "--wait-timeout", str(_PATIENCE))
    compose("up", "--detach", "--no-deps", *force, *wait, *names, timeout=2 * _PATIENCE)
