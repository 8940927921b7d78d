# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a release: which containers stay, which are new, which go. Pure functions; nothing here touches Docker.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Container:
    """One container of a Compose project; `current` where it is what compose.yaml and the image would make now."""

    name: str
    service: str
    running: bool
    current: bool


@dataclass(frozen=True)
class Change:
    """What happens to one service."""

    service: str
    keep: tuple[str, ...] = ()
    start: int = 0
    stop: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()

    @property
    def pending(self) -> bool:
        return bool(self.start or self.stop or self.dead)


@dataclass(frozen=True)
class Plan:
    """The changes of the traffic-taking service and of the processes in their order; then what nothing wants any more,
    and the backing services that do not run as they should."""

    web: Change
    processes: tuple[Change, ...] = ()
    orphans: tuple[str, ...] = ()
    backing: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return (self.web, *self.processes)

    @property
    def pending(self) -> bool:
        return bool(self.backing or self.orphans) or any(change.pending for change in self.changes)

    def lines(self) -> list[str]:
        """Say in one line each what would happen."""
        said = [f"start or recreate {name}" for name in self.backing]
        for change in self.changes:
            if change.start:
                said.append(f"start {change.start} new container(s) of {change.service}")
            said += [f"stop {name}" for name in change.stop]
            said += [f"remove the stopped {name}" for name in change.dead]
        return said + [f"remove {name}, which compose.yaml no longer names" for name in self.orphans]


def preparation_lines(source_changed: bool, coming: Iterable[str], pending: Iterable[str]) -> list[str]:
    """Say in one line each what precedes a plan: the migrations `coming` with a changed source, and those `pending`."""
    said = ["build an image of the changed source"] if source_changed else []
    said += [f"apply the migration {name}, which comes with the source" for name in coming]
    return said + [f"apply the pending migration {name}" for name in pending]


def plan(
    web: str,
    replicas: int,
    processes: Iterable[str],
    backing: Iterable[str],
    present: Iterable[Container],
    known: Iterable[str],
) -> Plan:
    """Compare the containers `present` with `replicas` of `web` and one of each other service.

    `known` are all the services of compose.yaml: a container of any other is an orphan.
    """
    present = list(present)
    named = set(known)
    return Plan(
        web=_change(web, replicas, present),
        processes=tuple(_change(name, 1, present) for name in processes),
        orphans=tuple(container.name for container in present if container.service not in named),
        backing=tuple(name for name in backing if _change(name, 1, present).pending),
    )


def _change(service: str, replicas: int, present: list[Container]) -> Change:
    own = sorted((item for item in present if item.service == service), key=lambda item: item.name)
    keep = [item.name for item in own if item.running and item.current][:replicas]
    return Change(
        service=service,
        keep=tuple(keep),
        start=replicas - len(keep),
        stop=tuple(item.name for item in own if item.running and item.name not in keep),
        dead=tuple(item.name for item in own if not item.running),
    )
