# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry a rollout out: new containers beside the old, health, front, drain, then the processes.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _front, _health
from ansible_collections.landfall.django.plugins.module_utils._docker import (
    DockerError,
    containers,
    docker,
    inspect,
    last_lines,
)
from ansible_collections.landfall.django.plugins.module_utils._rollout import Change, Container, Plan, plan, recreated

_LOG_LINES = 50
_POLL = 0.1  # seconds between two looks at a starting or draining container


@dataclass(frozen=True)
class Site:
    """What a rollout is told of a stack; the fields are the options of landfall.django.rollout."""

    project_src: str
    name: str
    image_id: str
    web: str
    replicas: int
    processes: tuple[str, ...]
    port: int
    host: str
    health_path: str
    health_timeout: int
    drain_timeout: int
    front_root: str
    front_network: str
    front_port: int


class RolloutError(Exception):
    """The rollout did not happen; what served before serves on."""


class Rollout:
    """One rollout of one stack."""

    def __init__(self, site: Site):
        self.site = site
        self.front = _front.Front(site.front_root) if site.front_root else None
        self.steps: list[dict[str, Any]] = []
        self.plan = self._plan()

    @property
    def pending(self) -> bool:
        return self.plan.pending or not self._pointed(self.plan.web.keep)

    def run(self) -> None:
        """Bring everything that is pending about, or raise RolloutError with the old release serving."""
        self._switch(self.plan.web)
        pending = [change for change in self.plan.processes if change.pending]
        # What replaces nothing need not wait for its turn.
        self._replace(*(change.service for change in pending if not change.stop))
        for change in pending:
            if change.stop:
                self._replace(change.service)
        if self.plan.orphans:
            with self._step("remove what compose.yaml no longer names"):
                docker("stop", *self.plan.orphans)
                docker("rm", "--force", *self.plan.orphans)

    def _plan(self) -> Plan:
        site = self.site
        return plan(
            site.web, site.replicas, site.processes, self._present(), self._compose("config", "--services").split()
        )

    def _containers(self, *filters: str) -> dict[str, dict[str, Any]]:
        own = [f"label=com.docker.compose.project={self.site.name}", "label=com.docker.compose.oneoff=False"]
        return {item["Name"].lstrip("/"): item for item in containers([*own, *filters])}

    def _names(self, service: str) -> set[str]:
        return set(self._containers(f"label=com.docker.compose.service={service}"))

    def _present(self) -> list[Container]:
        found = self._containers()
        service = {name: item["Config"]["Labels"]["com.docker.compose.service"] for name, item in found.items()}
        old = self._outdated(list(service.values())) if found else set()
        return [
            Container(
                name=name,
                service=service[name],
                running=item["State"]["Running"] and not item["State"]["Restarting"],
                current=name not in old and item["Image"] == self.site.image_id,
            )
            for name, item in found.items()
        ]

    def _outdated(self, services: list[str]) -> set[str]:
        """Ask Compose itself which containers differ from compose.yaml: only it knows how it compares."""
        own = [name for name in (self.site.web, *self.site.processes) if name in services]
        if not own:
            return set()
        scale = [f"--scale={self.site.web}={services.count(self.site.web)}"] if self.site.web in own else []
        dry_run = ("--dry-run", "--progress=plain", "up", "--detach", "--no-deps")
        return recreated(self._compose(*dry_run, *scale, *own, merge=True))

    def _compose(self, *arguments: str, timeout: float = 600, merge: bool = False) -> str:
        return docker("compose", "--project-directory", self.site.project_src, *arguments, timeout=timeout, merge=merge)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.steps.append({"step": what, "seconds": round(time.monotonic() - begin, 2)})

    def _pointed(self, names: tuple[str, ...]) -> bool:
        if not self.front:
            return True
        path = self.front.upstream_file(self.site.name)
        right = path.exists() and path.read_text() == _front.upstream(self.site.name, names, self.site.port)
        return right and self.front.connected(self.site.front_network)

    def _switch(self, change: Change) -> None:
        if not change.pending and self._pointed(change.keep):
            return
        if change.dead:
            docker("rm", "--force", *change.dead)
        before = self._names(self.site.web)
        try:
            if change.start:
                self._start(len(before) + change.start)
            new = self._new(before)
            self._healthy(new)
            self._take_traffic((*change.keep, *new), change.stop)
        except BaseException as error:
            self._remove(self._new(before))
            if isinstance(error, DockerError):
                raise RolloutError(str(error)) from error
            raise
        if change.stop:
            with self._step(f"stop the old {self.site.web}"):
                docker("stop", *change.stop)
                docker("rm", *change.stop)

    def _new(self, before: set[str]) -> tuple[str, ...]:
        return tuple(sorted(self._names(self.site.web) - before))

    def _start(self, scale: int) -> None:
        web = self.site.web
        with self._step(f"start the new {web}"):
            self._compose("up", "--detach", "--no-deps", "--no-recreate", f"--scale={web}={scale}", web)

    def _healthy(self, names: tuple[str, ...]) -> None:
        if not names:
            return
        with self._step(f"wait for the new {self.site.web} to be healthy"):
            end = time.monotonic() + self.site.health_timeout
            for name in names:
                self._wait_for(name, end)

    def _wait_for(self, name: str, end: float) -> None:
        site = self.site
        while True:
            state = inspect(name)[0]
            # A restart policy hides an exit: a container that was started twice has failed once.
            if not state["State"]["Running"] or state["RestartCount"]:
                raise RolloutError(f"{name} exited with code {state['State']['ExitCode']}. {self._log(name)}")
            address = state["NetworkSettings"]["Networks"][site.front_network]["IPAddress"]
            problem = _health.probe(address, site.port, site.health_path, site.host)
            if not problem:
                return
            if time.monotonic() > end:
                raise RolloutError(
                    f"{name} was not healthy within {site.health_timeout} seconds: {problem}. {self._log(name)}"
                )
            time.sleep(_POLL)

    def _take_traffic(self, names: tuple[str, ...], old: tuple[str, ...]) -> None:
        if not self.front:
            return
        site = self.site
        if not self.front.connected(site.front_network):
            self.front.connect(site.front_network)
        with self._step("switch Nginx"):
            draining = self.front.point(site.name, _front.upstream(site.name, names, site.port))
            problem = self._proof()
            if problem:
                if old:
                    self.front.point(site.name, _front.upstream(site.name, old, site.port))
                raise RolloutError(f"the new release fails behind Nginx: {problem}. {self._log(names[-1])}")
        with self._step("drain"):
            # What is still draining after this long is a WebSocket or a download: the old container's own
            # stop_grace_period then bounds it.
            _front.wait(lambda: not self.front or self.front.drained(draining), site.drain_timeout, _POLL)

    def _proof(self) -> str:
        """Ask for the health page as a visitor would; Nginx may need a moment to resolve the new names."""
        said = ["no answer"]

        def served() -> bool:
            try:
                status = _front.request(self.site.front_port, self.site.host, self.site.health_path)
            except OSError as error:
                said.append(str(error))
                return False
            said.append(_health.verdict(status, self.site.health_path))
            return not said[-1]

        return "" if _front.wait(served, 10, _POLL) else said[-1]

    def _replace(self, *names: str) -> None:
        """Replace processes: Compose stops an old one warmly and starts the new one when it is gone."""
        if not names:
            return
        with self._step(f"start {', '.join(names)}"):
            wait = ("--wait", "--wait-timeout", str(self.site.health_timeout))
            try:
                self._compose("up", "--detach", "--no-deps", *wait, *names, timeout=7200)
            except DockerError as error:
                present = [container for name in names for container in sorted(self._names(name))]
                raise RolloutError(f"{' or '.join(names)} did not start: {error}. {self._log(*present)}") from error

    def _log(self, *names: str) -> str:
        try:
            said = "\n".join(docker("logs", "--tail", str(_LOG_LINES), name, merge=True) for name in names)
        except DockerError as error:
            return str(error)
        return f"Its last lines:\n{last_lines(said, _LOG_LINES)}"

    @staticmethod
    def _remove(names: tuple[str, ...]) -> None:
        if names:
            docker("rm", "--force", *names)
