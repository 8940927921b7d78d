# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a release: which containers stay, start, stop or are removed. Pure functions.

Private to this collection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._release.safety import Judged

_NOTHING = Judged()


@dataclass(frozen=True)
class Container:
    """A container of the stack. `current`: it has the image and settings that compose.yaml asks for now."""

    name: str
    service: str
    running: bool
    current: bool


@dataclass(frozen=True)
class Change:
    """What happens to the containers of one service."""

    service: str
    keep: tuple[str, ...] = ()
    start: int = 0  # number of new containers
    stop: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()  # stopped containers, which are removed

    @property
    def pending(self) -> bool:
        return bool(self.start or self.stop or self.dead)


@dataclass(frozen=True)
class Plan:
    """All changes of a release, in their order."""

    web: Change
    processes: tuple[Change, ...] = ()
    orphans: tuple[str, ...] = ()  # containers of services that compose.yaml no longer has
    backing: tuple[str, ...] = ()  # backing services to start or recreate

    @property
    def changes(self) -> tuple[Change, ...]:
        return (self.web, *self.processes)

    @property
    def pending(self) -> bool:
        return bool(self.backing or self.orphans) or any(change.pending for change in self.changes)

    def lines(self, database: Sequence[str] = ()) -> list[str]:
        """Describe the changes, one per line. `database` replaces what the plan says of the database's server."""
        others = [name for name in self.backing if not (database and name == SERVICE)]
        lines = [*database, *(f"start or recreate {name}" for name in others)]
        for change in self.changes:
            if change.start:
                lines.append(f"start {change.start} new container(s) of {change.service}")
            lines += [f"stop {name}" for name in change.stop]
            lines += [f"remove the stopped {name}" for name in change.dead]
        return lines + [f"remove {name}, which compose.yaml no longer names" for name in self.orphans]


def preparation_lines(
    source_changed: bool, coming: Iterable[str], pending: Iterable[str], judged: Judged = _NOTHING
) -> list[str]:
    """Describe what precedes a plan, one step per line: the build and the migrations, with what is said of these.

    `coming` are the migrations in the changed source, `pending` those of the present image.
    """
    lines = ["build an image of the changed source"] if source_changed else []
    lines += [f"apply the migration {name}, which comes with the source" for name in coming]
    lines += [f"apply the pending migration {name}" for name in pending]
    lines += [f"risk: {warning}" for warning in judged.warnings]
    return [*lines, *(["refuse these migrations: stack_migrations is safe"] if judged.refusal else [])]


def plan(
    web: str,
    replicas: int,
    processes: Iterable[str],
    backing: Iterable[str],
    present: Iterable[Container],
    known: Iterable[str],
) -> Plan:
    """Compare the containers `present` with `replicas` of `web`, one of `processes` for each time that it is named, and
    one of each backing service.

    `known` are all the services of compose.yaml: a container of any other is an orphan.
    """
    present = list(present)
    named = set(known)
    counts = Counter(processes)
    return Plan(
        web=_change(web, replicas, present),
        processes=tuple(_change(name, count, present) for name, count in counts.items()),
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
