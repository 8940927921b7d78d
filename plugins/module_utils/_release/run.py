# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of one release on its host: look, lock, install its files, gate, switch, write it down, tidy up.

Private to this collection.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _configuration, _dump, _ledger, _lock, _static
from ansible_collections.landfall.django.plugins.module_utils._compose import Compose, service_of
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._front import Front
from ansible_collections.landfall.django.plugins.module_utils._gate import ONCE, Gate
from ansible_collections.landfall.django.plugins.module_utils._ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._rollout import Container, Plan, plan
from ansible_collections.landfall.django.plugins.module_utils._site import Site, Steps
from ansible_collections.landfall.django.plugins.module_utils._switch import Switch, pointed

_BACKING = 300  # seconds for a database to make its first files
_ORPHAN = 300  # seconds for a release whose play was killed to come to its end on the host


class Release:
    """What a stack is to become: a site, and the folder `files` with its compose.yaml and .env."""

    def __init__(self, site: Site, files: Path):
        self.site = site
        self.files = files
        self.root = Path(site.project_src)
        self.compose = Compose(site.project_src, site.project_name)
        self.front = Front(site.front_root) if site.front_root else None
        self.ledger = Ledger(site.project_src)
        self.steps = Steps()
        self.warnings: list[str] = []

    def look(self, stale: bool = False) -> Plan:
        """Compare what runs with what should; `stale` where image or settings will differ in a way not to be seen."""
        site = self.site
        # Where .env lies beside compose.yaml: there is none in force before the first release.
        config = ("compose", "--project-directory", str(self.files), "config", "--services")
        known = docker(*config).split()
        backing = [name for name in known if name not in (site.web, *site.processes)]
        present = self._present(known, backing, stale or self._differs(".env"))
        return plan(site.web, site.replicas, site.processes, backing, present, known)

    def pending(self, looked: Plan) -> bool:
        """Whether there is anything to do."""
        aside = self.front and not pointed(self.front, self.site, looked.web.keep)
        return looked.pending or bool(aside) or any(map(self._differs, _configuration.FILES))

    def migrations(self, looked: Plan) -> list[str]:
        """The migrations that are pending, where the release's image and its database are there to be asked."""
        compose = Compose(str(self.files), self.site.project_name)
        if looked.web.keep or looked.backing:
            return []
        if self.site.image not in compose("--profile", "release", "config", "--images").split():
            return []
        return Gate(self.site, compose, self.steps).pending()[0] or []

    def run(self, by: str, rollback_to: int = 0) -> dict[str, Any] | None:
        """Bring the release into service and return its entry in the ledger; None where there was nothing to do.

        Raises RolloutError or DockerError with the former release serving, HeldError where another one is under way.
        """
        with _lock.held(self.root / ".lock", by, patience=_ORPHAN):
            looked = self.look()
            if not self.pending(looked):
                return None
            begin = time.monotonic()
            entries = self.ledger.read()
            gate = Gate(self.site, self.compose, self.steps)
            switch = Switch(self.site, self.compose, self.front, looked, self.steps)
            with _configuration.installed(self.files, self.root):
                self.compose.forget_once(ONCE)
                self._back(looked)
                # Nothing that keeps its containers has new code or settings to be let through.
                if not looked.web.keep and not rollback_to:
                    gate.run(entries[-1]["release"] + 1 if entries else 1)
                switch.run()
            switch.leave()
            entry = {
                "image": self.site.image,
                "image_id": self.site.image_id,
                "pulled": self.site.pulled,
                "revision": self.site.revision,
                "at": _lock.now(),
                "by": by,
                "rollback_to": rollback_to,
                "migrations": gate.migrations,
                "dump": str(gate.dump or ""),
                "requeued": switch.requeued,
                "proof": switch.proof,
                "seconds": round(time.monotonic() - begin, 2),
                "steps": self.steps.done,
            }
            entry = self.ledger.append(entry, asdict(self.site))
            self._tidy()
        self._warn(entry)
        return entry

    def _differs(self, name: str) -> bool:
        return _configuration.differs(self.files, self.root, name)

    def _in_files(self) -> tuple[str, ...]:
        named = [word for name in _configuration.COMPOSE for word in ("--file", str(self.files / name))]
        return ("--env-file", str(self.files / ".env"), *named)

    def _present(self, known: list[str], backing: list[str], stale: bool) -> list[Container]:
        found = self.compose.containers()
        service = {name: service_of(item) for name, item in found.items()}
        counts = {name: list(service.values()).count(name) for name in known if name in service.values()}
        old = self.compose.outdated(self._in_files(), known, counts)
        present = []
        for name, item in found.items():
            state, current = item["State"], name not in old
            if service[name] in backing:
                running = state["Running"] and (state.get("Health") or {}).get("Status") != "unhealthy"
            else:
                running = state["Running"] and not state["Restarting"]
                # Compose reads a container's settings from the .env in force, so it cannot tell that they change.
                current = current and not stale and item["Image"] == self.site.image_id
            present.append(Container(name=name, service=service[name], running=running, current=current))
        return present

    def _back(self, looked: Plan) -> None:
        if looked.backing:
            with self.steps(f"start {', '.join(looked.backing)} and wait until they answer"):
                wait = ("--wait", "--wait-timeout", str(_BACKING))
                self.compose("up", "--detach", "--no-deps", *wait, *looked.backing, timeout=2 * _BACKING)

    def _tidy(self) -> None:
        """Remove what no release that is kept needs. A failure here is no failure of the release."""
        site = self.site
        entries = self.ledger.read()
        kept = _ledger.kept(entries, site.releases_kept)
        try:
            self.ledger.forget(entry["release"] for entry in kept)
            _dump.forget(site.project_src, (entry["dump"] for entry in kept))
            if site.static_release:
                names = {self.ledger.options(entry["release"])["static_release"] for entry in kept}
                _static.forget(self.root / "static", names, Path(site.static_dest))
            # By names, of which each stack has its own: another stack may have the same image.
            present = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
            for name in (_images(entries) - _images(kept)) & present:
                docker("image", "rm", name)
            docker("image", "prune", "--force", "--filter", f"label=landfall.stack={site.project_name}")
        except (DockerError, OSError, LookupError) as error:
            self.warnings.append(f"the release is in service, but not everything old could be removed: {error}")

    def _warn(self, entry: dict[str, Any]) -> None:
        failures = entry["proof"].get("failures")
        if failures:
            first = "; ".join(entry["proof"]["first_failures"])
            self.warnings.append(
                f"{failures} of {entry['proof']['requests']} requests failed during the switch ({first})"
            )
        if entry["requeued"]:
            tasks = ", ".join(entry["requeued"])
            self.warnings.append(f"not ended within stack_stop_timeout, so queued again: {tasks}")


def _images(entries: list[_ledger.Entry]) -> set[str]:
    return {entry[name] for entry in entries for name in ("image", "pulled")}
