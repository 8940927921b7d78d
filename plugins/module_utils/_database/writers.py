# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stop and start the containers that use a stack's database.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import containers, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose, service_of

_BACKING = (SERVICE, "redis")
_STOP = 4 * 3600  # seconds; each container has its own stop_grace_period
_POLL = 1.0


class Writers:
    """The containers of a stack that may write to its database: all except those of db and redis."""

    def __init__(self, compose: Compose):
        self.compose = compose

    def running(self) -> list[str]:
        """Return the names of those that run."""
        found = self.compose.containers().items()
        return sorted(name for name, item in found if item["State"]["Running"] and service_of(item) not in _BACKING)

    def running_one_offs(self) -> list[str]:
        """Return the names of running one-off containers, such as a shell or a migration that a user started."""
        labels = {"project": self.compose.name, "oneoff": "True"}
        found = containers([f"label=com.docker.compose.{key}={value}" for key, value in labels.items()])
        return sorted(item["Name"].lstrip("/") for item in found if item["State"]["Running"])

    def stop(self, names: Iterable[str]) -> None:
        """Stop them; each one may finish its work within its stop_grace_period."""
        if names := list(names):
            docker("stop", *names, timeout=_STOP)

    def start(self, names: Iterable[str]) -> None:
        """Start those that still exist: a deployment may have replaced some."""
        present = self.compose.containers()
        if names := [name for name in names if name in present]:
            docker("start", *names)

    def restart(self, names: Iterable[str]) -> None:
        """Start those that still exist. One that is about to stop, for a run that was interrupted, starts after it."""
        present = self.compose.containers()
        if names := [name for name in names if name in present]:
            docker("restart", *names, timeout=_STOP)

    def unhealthy(self, names: Iterable[str], timeout: float) -> list[str]:
        """Wait up to `timeout` seconds until all are healthy. Return the names of those that are not."""
        end = time.monotonic() + timeout
        while late := self._not_healthy(names):
            if time.monotonic() > end:
                break
            time.sleep(_POLL)
        return late

    def _not_healthy(self, names: Iterable[str]) -> list[str]:
        present = self.compose.containers()
        states = {name: present[name]["State"] for name in names if name in present}
        return [
            name
            for name, state in states.items()
            if not state["Running"] or (state.get("Health") or {"Status": "healthy"})["Status"] != "healthy"
        ]
