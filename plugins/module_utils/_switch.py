# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry a plan out: the new containers beside the old ones, then the old ones go. Until then all can be undone.

Private to this collection.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _front, _health
from ansible_collections.landfall.django.plugins.module_utils._compose import LOG_LINES, Compose
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, docker, inspect, last_lines
from ansible_collections.landfall.django.plugins.module_utils._front import Front, wait
from ansible_collections.landfall.django.plugins.module_utils._prober import Prober
from ansible_collections.landfall.django.plugins.module_utils._rollout import Change, Plan
from ansible_collections.landfall.django.plugins.module_utils._site import RolloutError, Site, Steps

_POLL = 0.1  # seconds between two looks at a starting or draining container
_SETTLE = 3  # seconds that a process without a health check must have run
_PROOF = 10  # seconds for Nginx to resolve the new names
_REQUEUE = 20  # seconds for a worker to hand back what it could not finish
REQUEUED = "celery_heartbeat: requeued"


class Switch:
    """One switch of one stack from the containers that are there to those of its compose.yaml."""

    def __init__(self, site: Site, compose: Compose, front: Front | None, plan: Plan, steps: Steps):
        self.site = site
        self.compose = compose
        self.front = front
        self.plan = plan
        self.step = steps
        self.new: dict[str, list[str]] = {}
        self.draining: set[str] = set()
        self.requeued: list[str] = []
        self.proof: dict[str, object] = {}
        # A visitor, from before Nginx is pointed elsewhere until the last old container is gone.
        self.prober = Prober(self._ask) if front and (plan.web.stop or plan.web.keep) else None
        self.probing = ExitStack()

    def run(self) -> None:
        """Bring everything new into service, or raise RolloutError or DockerError with all as it was."""
        try:
            with ExitStack() as undo:
                self._create(undo)
                self._web(undo)
                for change in self.plan.processes:
                    self._process(change, undo)
                self._still_good()
                undo.pop_all()
        except BaseException:
            self.probing.close()
            raise

    def leave(self) -> None:
        """Let what was there before end its work, and go."""
        with self.probing:
            self._leave()
        if self.prober:
            self.proof = self.prober.report()

    # What can be undone

    def _create(self, undo: ExitStack) -> None:
        dead = [name for change in self.plan.changes for name in change.dead]
        if dead:
            docker("rm", "--force", *dead)
        before = {change.service: self.compose.names(change.service) for change in self.plan.changes if change.start}
        if not before:
            return
        undo.callback(self._remove_new, before)
        starts = {change.service: change.start for change in self.plan.changes}
        scale = [f"--scale={name}={len(names) + starts[name]}" for name, names in before.items()]
        self.compose("create", "--no-recreate", *scale, *before)
        self.new = self._beyond(before)

    def _beyond(self, before: dict[str, list[str]]) -> dict[str, list[str]]:
        return {name: sorted(set(self.compose.names(name)) - set(names)) for name, names in before.items()}

    def _remove_new(self, before: dict[str, list[str]]) -> None:
        names = [name for new in self._beyond(before).values() for name in new]
        if names:
            docker("rm", "--force", *names)

    def _web(self, undo: ExitStack) -> None:
        change, site = self.plan.web, self.site
        new = self.new.get(site.web, [])
        if new:
            with self.step(f"start the new {site.web} until it is healthy"):
                docker("start", *new)
                end = time.monotonic() + site.health_timeout
                for name in new:
                    self._wait_for_web(name, end)
        names = (*change.keep, *new)
        if not self.front or pointed(self.front, site, names):
            return
        if self.prober:
            self.probing.enter_context(self.prober)
        if not self.front.connected(site.front_network):
            self.front.connect(site.front_network)
        with self.step("switch Nginx"):
            file = self.front.upstream_file(site.project_name)
            former = file.read_text() if file.exists() else ""
            self.draining = self.front.point(site.project_name, _upstream(site, names))
            if former:
                undo.callback(self._point_back, self.front, former)
            problem = self._refusal()
            if problem:
                raise RolloutError(f"the new release fails behind Nginx: {problem}. {self._log(*names[-1:])}")

    def _point_back(self, front: Front, former: str) -> None:
        # Whoever has come to the new containers meanwhile may end there.
        draining = front.point(self.site.project_name, former)
        wait(lambda: front.drained(draining), self.site.drain_timeout, _POLL)

    def _still_good(self) -> None:
        trouble = self.prober.trouble() if self.prober else ""
        if trouble:
            raise RolloutError(f"the new release fails behind Nginx, though it did not at first: {trouble}")

    def _process(self, change: Change, undo: ExitStack) -> None:
        new = self.new.get(change.service, [])
        if not new:
            return
        with self.step(f"start the new {change.service} until it is healthy"):
            # Only workers share their work; of anything else there must never be two.
            if change.stop and change.service not in self.site.workers:
                undo.callback(docker, "start", *change.stop)
                docker("stop", *change.stop)
            docker("start", *new)
            undo.callback(docker, "stop", *new)
            for name in new:
                self._wait_for_process(name)

    def _wait_for_web(self, name: str, end: float) -> None:
        site = self.site
        while True:
            state = self._running(name)
            address = state["NetworkSettings"]["Networks"][site.front_network]["IPAddress"]
            problem = _health.probe(address, site.port, site.health_path, site.host)
            if not problem:
                return
            if time.monotonic() > end:
                self._give_up(name, problem)
            time.sleep(_POLL)

    def _wait_for_process(self, name: str) -> None:
        begin = time.monotonic()
        while True:
            health = self._running(name)["State"].get("Health")
            if health["Status"] == "healthy" if health else time.monotonic() - begin > _SETTLE:
                return
            if health and time.monotonic() - begin > self.site.health_timeout:
                said = [entry["Output"].strip() for entry in health.get("Log") or []]
                self._give_up(name, said[-1] if said else "it has not been asked yet")
            time.sleep(_POLL)

    def _running(self, name: str) -> dict[str, Any]:
        state = inspect(name)[0]
        # A restart policy hides an exit: a container that was started twice has failed once.
        if not state["State"]["Running"] or state["RestartCount"]:
            raise RolloutError(f"{name} exited with code {state['State']['ExitCode']}. {self._log(name)}")
        return state

    def _give_up(self, name: str, problem: str) -> None:
        limit = self.site.health_timeout
        raise RolloutError(f"{name} was not healthy within {limit} seconds: {problem}. {self._log(name)}")

    def _ask(self) -> int:
        return _front.request(self.site.front_port, self.site.host, self.site.health_path)

    def _refusal(self) -> str:
        """Ask for the health page as a visitor would, and say what is wrong; Nginx may need a moment for the names."""
        said = ["no answer"]

        def served() -> bool:
            try:
                said.append(_health.verdict(self._ask(), self.site.health_path))
            except OSError as error:
                said.append(str(error))
            return not said[-1]

        return "" if wait(served, _PROOF, _POLL) else said[-1]

    def _log(self, *names: str) -> str:
        try:
            said = "\n".join(docker("logs", "--tail", str(LOG_LINES), name, merge=True) for name in names)
        except DockerError as error:
            return str(error)
        return f"Its last lines:\n{last_lines(said, LOG_LINES)}"

    # What comes after

    def _leave(self) -> None:
        plan, site = self.plan, self.site
        workers = [name for change in plan.processes if change.service in site.workers for name in change.stop]
        others = [name for change in plan.processes if change.service not in site.workers for name in change.stop]
        for name in workers:
            docker("kill", "--signal=TERM", name)
        if plan.web.stop:
            with self.step(f"drain and stop the old {site.web}"):
                # What still drains after this long is a WebSocket or a download; stop_grace_period then bounds it.
                wait(lambda: not self.front or self.front.drained(self.draining), site.drain_timeout, _POLL)
                docker("stop", *plan.web.stop)
                docker("rm", *plan.web.stop)
        if workers:
            with self.step(f"let the old {', '.join(site.workers)} end their tasks"):
                self._end_tasks(workers)
        if others or plan.orphans:
            with self.step("remove what nothing needs any more"):
                docker("stop", *others, *plan.orphans)
                docker("rm", "--force", *others, *plan.orphans)

    def _end_tasks(self, names: list[str]) -> None:
        wait(lambda: not _alive(names), self.site.stop_timeout, _POLL)
        late = _alive(names)
        if late:
            for name in late:
                # celery_heartbeat.py gives back what the worker still works at, and ends it.
                docker("kill", "--signal=USR2", name)
            wait(lambda: not _alive(late), _REQUEUE, _POLL)
            for name in late:
                said = docker("logs", "--tail", "1000", name, merge=True).splitlines()
                self.requeued += [line.partition(REQUEUED)[2].strip() for line in said if REQUEUED in line]
        docker("rm", "--force", *names)


def _alive(names: list[str]) -> list[str]:
    return [item["Name"].lstrip("/") for item in inspect(*names) if item["State"]["Running"]]


def _upstream(site: Site, names: tuple[str, ...]) -> str:
    return _front.upstream(site.project_name, names, site.port)


def pointed(front: Front, site: Site, names: tuple[str, ...]) -> bool:
    """Whether Nginx sends the site's traffic to exactly these containers already."""
    path = front.upstream_file(site.project_name)
    return path.exists() and path.read_text() == _upstream(site, names) and front.connected(site.front_network)
