# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stop and remove the containers of the former release. The new one serves already, so a failure is only a warning.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker, inspect, name_of
from ansible_collections.landfall.django.plugins.module_utils._docker.wait import until
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._project.processes import REQUEUE_SIGNAL, REQUEUED
from ansible_collections.landfall.django.plugins.module_utils._release.plan import Plan
from ansible_collections.landfall.django.plugins.module_utils._release.record import Journal
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

_REQUEUE = 20  # seconds for a worker to requeue the tasks that it could not finish
_KILLED = 137  # exit code after SIGKILL


class Retirement:
    """Retires the containers that a release has replaced."""

    def __init__(self, site: Site, front: Front | None, plan: Plan, draining: set[str], journal: Journal):
        self.site = site
        self.front = front
        self.draining = draining
        self.journal = journal
        visited = [change for change in plan.changes if change.service in site.visited and change.stop]
        self.former = ", ".join(change.service for change in visited) or "routes"
        self.visited = [name for change in visited for name in change.stop]
        changes = [change for change in plan.processes if change not in visited]
        self.workers = [name for change in changes if change.service in site.workers for name in change.stop]
        self.others = [name for change in changes if change.service not in site.workers for name in change.stop]
        self.others += plan.orphans

    def run(self) -> None:
        """Stop and remove them, after requests in flight and running tasks have ended."""
        if self.workers:
            self._attempt(f"ask {', '.join(self.workers)} to end", self._ask_workers)
        # An orphan may have had a route.
        if self.visited or (self.draining and self.others):
            self._attempt(f"drain and stop the old {self.former}", self._drain)
        # While the workers end their tasks.
        if self.others:
            self._attempt("stop the other old containers", lambda: self._stop_and_remove(self.others))
        if self.workers:
            self._attempt(f"let the old {', '.join(self.site.workers)} end their tasks", self._stop_workers)

    def _ask_workers(self) -> None:
        # An upgrade of the database has stopped them before.
        for name in _running(self.workers):
            docker("kill", "--signal=TERM", name)

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        try:
            with self.journal.step(what):
                act()
        except (DockerError, OSError) as error:
            self.journal.record.warnings.append(f"the release serves, but could not {what}: {error}")

    def _drain(self) -> None:
        front = self.front
        # After this time only WebSockets and downloads are left; stop_grace_period limits them.
        if front:
            until(lambda: front.drained(self.draining), self.site.drain_timeout)
        self._stop_and_remove(self.visited)

    def _stop_and_remove(self, names: list[str]) -> None:
        existing = _existing(names)
        if not existing:
            return
        if running := _running(existing):
            docker("stop", *running, timeout=self.site.stop_limit)
        for name in _killed(existing):
            self.journal.record.warnings.append(
                f"{name} was killed because it did not stop within its stop_grace_period: its main process ignores"
                " SIGTERM or takes longer to stop"
            )
        docker("rm", "--force", *existing)

    def _stop_workers(self) -> None:
        began = time.monotonic()
        limits = self._stop_timeouts()
        for limit in sorted(set(limits.values())):
            names = [name for name in limits if limits[name] == limit]
            until(partial(_ended, names), max(0, began + limit - time.monotonic()))
            self._requeue_tasks_of(_running(names))
        self._stop_and_remove(self.workers)

    def _stop_timeouts(self) -> dict[str, int]:
        """The seconds that each worker has to end its tasks, which Docker knows of its container."""
        found = inspect(*_existing(self.workers))
        return {name_of(item): item["Config"].get("StopTimeout", self.site.stop_timeout) for item in found}

    def _requeue_tasks_of(self, late: list[str]) -> None:
        for name in late:
            # celery_heartbeat.py requeues the worker's running tasks, and ends it.
            docker("kill", f"--signal={REQUEUE_SIGNAL}", name)
        if late:
            until(partial(_ended, late), _REQUEUE)
        for name in late:
            log = docker("logs", "--tail", "1000", name, merge=True).splitlines()
            self.journal.record.requeued += [line.partition(REQUEUED)[2].strip() for line in log if REQUEUED in line]


def _existing(names: Iterable[str]) -> list[str]:
    """Return those that still exist."""
    found = set(docker("ps", "--all", "--format", "{{.Names}}").split())
    return [name for name in names if name in found]


def _running(names: Iterable[str]) -> list[str]:
    """Return those that run."""
    found = set(docker("ps", "--format", "{{.Names}}").split())
    return [name for name in names if name in found]


def _ended(names: Iterable[str]) -> bool:
    return not _running(names)


def _killed(names: list[str]) -> list[str]:
    states = {name_of(item): item["State"] for item in inspect(*names)}
    return [name for name, state in states.items() if state["ExitCode"] == _KILLED and not state.get("OOMKilled")]
