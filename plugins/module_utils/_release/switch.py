# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the new containers into service beside the old ones. Every act registers its way back first.

Private to this collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import (
    DockerError,
    docker,
    inspect,
    last_lines,
)
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import LOG_LINES, Compose
from ansible_collections.landfall.django.plugins.module_utils._docker.wait import POLL, until
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._front.locations import locations
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front, Written
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import upstream, without_addresses
from ansible_collections.landfall.django.plugins.module_utils._release import health, in_force
from ansible_collections.landfall.django.plugins.module_utils._release.beside import beside
from ansible_collections.landfall.django.plugins.module_utils._release.hints import error_line
from ansible_collections.landfall.django.plugins.module_utils._release.plan import Change, Plan
from ansible_collections.landfall.django.plugins.module_utils._release.prober import Prober
from ansible_collections.landfall.django.plugins.module_utils._release.record import STARTING, SWITCHING, Journal
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo

_SETTLE = 3  # seconds that a process without a health check must have run


class Switch:
    """One switch of one stack from the containers that are there to those of a release."""

    def __init__(self, site: Site, compose: Compose, front: Front | None, plan: Plan, journal: Journal, undo: Undo):
        self.site = site
        self.compose = compose
        self.front = front
        self.plan = plan
        self.journal = journal
        self.undo = undo
        self.new: dict[str, list[str]] = {}
        # Of what Nginx sends requests to: web first.
        self.visited = [change for change in plan.changes if change.service in site.visited]
        self.draining: set[str] = set()
        # Whether Nginx may send requests to the new containers, or may come to.
        self._pointed = False
        # Called when the new web is healthy, before anything new takes work.
        self.before_work: Callable[[], object] = lambda: None
        # A visitor, from before Nginx is pointed elsewhere until the last old container is gone.
        self.prober = Prober(self._ask) if front and (plan.web.stop or plan.web.keep) else None

    def run(self) -> None:
        """Bring everything new into service. Raises ReleaseError, DockerError or OSError; `undo` has the way back."""
        self.journal.enter(STARTING)
        self._start_visited()
        self.before_work()
        self.journal.enter(SWITCHING)
        # Workers need longer than the switch, and share the work of those before them.
        with beside(self._start, self._changes(workers=True)):
            self._point()
            self._put_in_force()
        self._start_processes()
        self._still_good()

    def create(self) -> None:
        """Create the new containers without starting them: beside the gate, since their order does not matter."""
        dead = [name for change in self.plan.changes for name in change.dead]
        if dead:
            docker("rm", "--force", *dead)
        starts = {change.service: change.start for change in self.plan.changes if change.start}
        if not starts:
            return
        before = self.compose.names_of(starts)
        self.undo.add("remove the new containers", self._remove_new, before)
        scale = [f"--scale={name}={len(names) + starts[name]}" for name, names in before.items()]
        self.compose("create", "--no-recreate", *scale, *before)
        self.new = self._beyond(before)

    def _beyond(self, before: dict[str, set[str]]) -> dict[str, list[str]]:
        return {service: sorted(names - before[service]) for service, names in self.compose.names_of(before).items()}

    def _remove_new(self, before: dict[str, set[str]]) -> None:
        beyond = self._beyond(before)
        # Nginx may wake up with them in its configuration.
        pointed = self.visited if self._pointed else []
        kept = [name for change in pointed for name in beyond.pop(change.service, [])]
        names = [name for new in beyond.values() for name in new]
        if names:
            docker("rm", "--force", *names)
        if kept:
            raise ReleaseError(f"Nginx may still send requests to {', '.join(kept)}; the next deployment removes them")

    def _start_visited(self) -> None:
        """Start the new containers, and wait for the health of all: a kept one may be of a run that was killed."""
        with self.journal.step(f"start the new {_names(self.visited)} until it is healthy"):
            if new := self._new_visited():
                docker("start", *new)
            end = time.monotonic() + self.site.health_timeout
            for change in self.visited:
                for name in self._hosts(change):
                    self._wait_for_answer(change.service, name, end, restarted=name in change.keep)

    def _new_visited(self) -> list[str]:
        return [name for change in self.visited for name in self.new.get(change.service, [])]

    def _hosts(self, change: Change) -> list[str]:
        return [*change.keep, *self.new.get(change.service, [])]

    def _point(self) -> None:
        site, front = self.site, self.front
        hosts = {change.service: sorted(self._hosts(change)) for change in self.visited}
        if front is None or is_pointed(front, site, hosts):
            return
        if self.prober:
            self.prober.start()
            self.undo.add("stop asking the site", self.prober.stop)
        if not front.connected(site.front_network):
            self.undo.add("take the front off the stack's network", front.disconnect, site.front_network)
            front.connect(site.front_network)
        former = front.written(site.project_name)
        self._pointed = True
        self.undo.add("point Nginx back", self._point_back, front, former, urgent=True)
        with self.journal.step("switch Nginx"):
            names = sorted(name for its in hosts.values() for name in its)
            addresses = {name: self._address(name) for name in names}
            self.draining = front.point(site.project_name, _files(front, site, hosts, addresses), names)
            problem = health.wait_for_visitors(site.front_port, site.host, site.health_path)
        if problem:
            log = self._log(*hosts[site.web][-1:])
            raise ReleaseError(f"the new release fails behind Nginx: {problem}; its log: {log}")

    def _point_back(self, front: Front, former: Written) -> None:
        draining = front.point_back(self.site.project_name, former, self._new_visited())
        self._pointed = False
        # Whoever has come to the new containers meanwhile may end there.
        until(lambda: front.drained(draining), self.site.drain_timeout)

    def _put_in_force(self) -> None:
        root = Path(self.compose.root)
        self.undo.add("put the former files in force again", in_force.put_back, root)
        in_force.install(self.journal.folder, root)

    def _still_good(self) -> None:
        trouble = self.prober.persistent_failure() if self.prober else ""
        if trouble:
            raise ReleaseError(f"the new release fails behind Nginx, though it did not at first: {trouble}")

    def _start_processes(self) -> None:
        """Replace the other processes while the workers, which have started before, become healthy; wait for all."""
        workers, others = self._changes(workers=True), self._changes(workers=False)
        if not workers and not others:
            return
        with self.journal.step(f"start the new {_names([*workers, *others])} until healthy"):
            self._start(others)
            self._wait_for([*workers, *others])

    def _wait_for(self, changes: list[Change]) -> None:
        end = time.monotonic() + self.site.health_timeout
        for change in changes:
            for name in self.new[change.service]:
                self._wait_for_process(name, end)

    def _changes(self, *, workers: bool) -> list[Change]:
        """The processes with new containers that Nginx sends no requests to: the workers, or the others."""
        found = [change for change in self.plan.processes if change not in self.visited]
        return [one for one in found if self.new.get(one.service) and (one.service in self.site.workers) == workers]

    def _start(self, changes: list[Change]) -> None:
        for change in changes:
            self._start_process(change, self.new[change.service])

    def _start_process(self, change: Change, new: list[str]) -> None:
        # Only workers share their work; of anything else there must never be two.
        if change.stop and change.service not in self.site.workers:
            # One that is still about to stop would not be started, and would stop then.
            self.undo.add(f"start the former {change.service}", self._docker, "restart", *change.stop)
            self._docker("stop", *change.stop)
        self.undo.add(f"stop the new {change.service}", self._docker, "stop", *new)
        docker("start", *new)

    def _docker(self, verb: str, *names: str) -> None:
        docker(verb, *names, timeout=self.site.stop_limit)

    def _wait_for_answer(self, service: str, name: str, end: float, *, restarted: bool) -> None:
        while True:
            problem = self._problem(service, self._address(name, restarted=restarted))
            if not problem:
                return
            if time.monotonic() > end:
                self._give_up(name, problem)
            time.sleep(POLL)

    def _problem(self, service: str, address: str) -> str:
        """What is wrong with a container that Nginx is to send requests to."""
        site = self.site
        if service == site.web:
            return health.probe(address, site.port, site.health_path, site.host)
        problems = [health.listening_problem(address, one.port) for one in site.routed if one.process == service]
        return next(filter(None, problems), "")

    def _wait_for_process(self, name: str, end: float) -> None:
        began = time.monotonic()
        while True:
            found = self._running(name)["State"].get("Health")
            if found["Status"] == "healthy" if found else time.monotonic() - began > _SETTLE:
                return
            if found and time.monotonic() > end:
                said = [entry["Output"].strip() for entry in found.get("Log") or []]
                self._give_up(name, said[-1] if said else "it has not been asked yet")
            time.sleep(POLL)

    def _address(self, name: str, *, restarted: bool = True) -> str:
        """A running container's address on the front's network."""
        networks = self._running(name, restarted=restarted)["NetworkSettings"]["Networks"]
        return str(networks[self.site.front_network]["IPAddress"])

    def _running(self, name: str, *, restarted: bool = False) -> dict[str, Any]:
        """Inspect a container that has to run; one of before may have been `restarted` meanwhile."""
        state = inspect(name)[0]
        # A restart policy hides an exit: a container that was started twice has failed once.
        if not state["State"]["Running"] or (state["RestartCount"] and not restarted):
            raise ReleaseError(f"{name} exited with code {state['State']['ExitCode']}: {self._log(name)}")
        return state

    def _give_up(self, name: str, problem: str) -> None:
        limit = self.site.health_timeout
        raise ReleaseError(f"{name} was not healthy within {limit} seconds: {problem}; its log: {self._log(name)}")

    def _ask(self) -> int:
        return visitor.request(self.site.front_port, self.site.host, self.site.health_path)

    def _log(self, *names: str) -> str:
        try:
            said = "\n".join(docker("logs", "--tail", str(LOG_LINES), name, merge=True) for name in names)
        except DockerError as error:
            return str(error)
        return f"{error_line(said) or 'it said nothing'}\nIts last lines:\n{last_lines(said, LOG_LINES)}"


def _names(changes: list[Change]) -> str:
    return ", ".join(change.service for change in changes)


def is_pointed(front: Front, site: Site, hosts: Mapping[str, list[str]]) -> bool:
    """Whether Nginx sends the site's requests to exactly these containers of each service already, and reaches them.

    What Nginx has loaded counts, and the files too, which it reads when it starts.
    """
    written, wanted = front.written(site.project_name), _files(front, site, hosts, {})
    # The files first: in a release they differ already, and Nginx need not be asked.
    if without_addresses(written.upstream or "") != wanted.upstream or written.locations != wanted.locations:
        return False
    with beside(front.connected, site.front_network) as connected:
        loaded = front.loaded(site.project_name)
    return loaded == sorted(name for service in site.visited for name in hosts[service]) and connected.result()


def _files(front: Front, site: Site, hosts: Mapping[str, list[str]], addresses: Mapping[str, str]) -> Written:
    """The files by which Nginx sends the site's requests to these containers of each service."""
    name, root = site.project_name, str(front.root)
    found = {service: {host: addresses.get(host, "") for host in hosts[service]} for service in site.visited}
    routes = [(route, found[route.process]) for route in site.routed]
    return Written(
        upstream(name, found[site.web], site.port, routes, root), locations(root, name, site.urls, site.routed)
    )
