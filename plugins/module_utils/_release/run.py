# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of one release on its host: look, record, start services, gate, switch, retire what was before, tidy.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.project import unknown_migrations
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import interrupted_upgrade
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import is_running, name_of
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose, service_of
from ansible_collections.landfall.django.plugins.module_utils._docker.mounts import holds_deleted
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._release import (
    database,
    in_force,
    interrupt,
    ledger,
    tidy,
)
from ansible_collections.landfall.django.plugins.module_utils._release.beside import beside
from ansible_collections.landfall.django.plugins.module_utils._release.commands import (
    COLLECT,
    IMAGE_STATIC,
    MIGRATE,
    run_commands,
)
from ansible_collections.landfall.django.plugins.module_utils._release.gate import Gate
from ansible_collections.landfall.django.plugins.module_utils._release.hints import describe_error
from ansible_collections.landfall.django.plugins.module_utils._release.importing import DatabaseImport
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._release.plan import Container, Plan, plan
from ansible_collections.landfall.django.plugins.module_utils._release.record import (
    BEGUN,
    SERVING,
    SWITCHING,
    Journal,
    Record,
)
from ansible_collections.landfall.django.plugins.module_utils._release.retire import Retirement
from ansible_collections.landfall.django.plugins.module_utils._release.safety import Judged, judged
from ansible_collections.landfall.django.plugins.module_utils._release.services import Services
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site
from ansible_collections.landfall.django.plugins.module_utils._release.switch import Switch, is_pointed
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo
from ansible_collections.landfall.django.plugins.module_utils._release.upgrade import DatabaseUpgrade

_MIGRATION = 3600  # seconds for a migration that nobody waits for any more to come to its end
_ORPHAN = 300  # seconds for a release whose play was killed to come to its end on the host


class Release:
    """What a stack is to become: a site, and the folder `files` with its compose.yaml and .env.

    `database_import` is a dump on this host for an empty database.
    """

    def __init__(self, site: Site, files: Path, database_import: str = ""):
        self.site = site
        self.files = files
        self.root = Path(site.project_src)
        self.compose = Compose(site.project_src, site.project_name, files)
        self.front = Front(site.front_root) if site.front_root else None
        self.ledger = Ledger(site.project_src)
        self.services = Services(site, self.ledger)
        self.importing = DatabaseImport(site, self.ledger, database_import)

    def look(self, stale: bool = False) -> Plan:
        """Compare what runs with what should; `stale` where image or settings will differ in a way not to be seen.

        Raises ReleaseError where the stack's data is in a database of another kind.
        """
        site = self.site
        database.refuse_another_engine(site, self.ledger)
        with beside(self.compose.services) as listing:
            found = self.compose.containers()
        known = listing.result()
        backing = [name for name in known if name not in (site.web, *site.processes)]
        present = self._present(found, known, backing, stale)
        return plan(site.web, site.replicas, site.processes, backing, present, known)

    def foreseen_database(self, image: str) -> list[str]:
        """Describe what becomes of the database with this image of its server, one line per step; for check mode.

        Raises ReleaseError where the server must not get the data.
        """
        return self._upgrade(self.compose).foreseen(image) if image else []

    def pending(self, looked: Plan) -> bool:
        """Whether there is anything to do."""
        kept = {change.service: sorted(change.keep) for change in looked.changes}
        return (
            looked.pending
            or in_force.differs(self.files, self.root)
            or not self._gate(self.compose).is_published()
            or not (self.front is None or is_pointed(self.front, self.site, kept))
        )

    def migrations(self, looked: Plan, *, despite: bool = False) -> tuple[list[str], Judged]:
        """The migrations that are pending, where the release's image and its database are there to be asked.

        With `despite`, unsafe ones are not refused.
        """
        if looked.web.keep or looked.backing or not self.site.migrate_command:
            return [], Judged()
        if self.site.image not in self.compose("--profile", "release", "config", "--images").split():
            return [], Judged()
        answer = self._gate(self.compose).ask()
        names = [f"{app}.{name}" for app, name in answer.pending] if answer else []
        return names, judged(self.site.migration_policy, answer, despite=despite)

    def refuse_unknown_migrations(self, target: Record) -> None:
        """Raise ReleaseError where the database has migrations that the code of `target` does not know.

        The database itself is asked, in the words of that code's Django.
        """
        try:
            answer = self._gate(self.compose).ask()
        except ReleaseError as error:
            raise ReleaseError(
                f"{error}\nSo nobody knows whether the code of release {target.release} fits the database; nothing was"
                " changed. Set rollback_despite_migrations to true to go back all the same"
            ) from error
        if answer is None:
            later = ledger.migrated_since(self.ledger.read(), target.release)
        else:
            later = unknown_migrations(answer, answer.applied, but=target.applied or ())
        if later:
            raise ReleaseError(
                f"the database has migrations that release {target.release} does not know ({', '.join(later)}), so its"
                " code may not work with the tables of today; nothing was changed. Set rollback_despite_migrations to"
                " true if it can live with them"
            )

    def run(
        self,
        by: str,
        rollback_to: int = 0,
        allow: Callable[[], None] = lambda: None,
        *,
        despite_migrations: bool = False,
        profile: Mapping[str, Any] | None = None,
    ) -> Record | None:
        """Bring the release into service and return its record; None where there was nothing to do.

        `allow` raises ReleaseError where the release must not begin; nothing has changed then. It is called when no
        earlier run is under way any more. With `despite_migrations`, unsafe migrations are not refused, and the record
        says so. `profile` goes into the record. Raises ReleaseError with the former release serving, HeldError where
        another one is under way.
        """
        with lock.held(self.root / ".lock", by, patience=_ORPHAN):
            # Only a deployment brings an upgrade of the database to an end.
            if why := interrupted_restore(self.root) or (rollback_to and interrupted_upgrade(self.root)):
                raise ReleaseError(why)
            serving = self._settle()
            # Both only read, and each takes about a second.
            with beside(self.look) as looking:
                allow()
            looked = looking.result()
            self.importing.examine(Compose(self.site.project_src, self.site.project_name, self.files))
            if not self.pending(looked):
                return None
            journal = self.ledger.begin(self.files, by, asdict(self.site), rollback_to)
            journal.record.despite_migrations = despite_migrations
            journal.record.profile = dict(profile or {})
            with in_force.held(self.root):
                undo = Undo()
                try:
                    switch = self._bring(journal, looked, serving, undo)
                    journal.enter(SERVING)
                except BaseException as error:
                    with interrupt.ignored():
                        raise self._failed(journal, undo, error) from error
            with interrupt.ignored():
                self._after(journal, switch)
            return journal.record

    def _settle(self) -> Record | None:
        """Bring what an earlier run has left unfinished to an end. Return the release that serves."""
        records = self.ledger.read()
        # A migration that still runs is not cut off, however its release ended: half of one is worse.
        self.compose.end_left_over({MIGRATE: _MIGRATION, COLLECT: 0, IMAGE_STATIC: 0})
        was_switching = any(record.state == SWITCHING for record in records)
        for record in records:
            if not record.is_over:
                where = "before it did anything" if record.state == BEGUN else f"while {record.state}"
                Journal(self.ledger.folder(record.release), record).fail(f"it was interrupted {where}")
        serving = ledger.serving(records)
        if was_switching:
            # Its files may be in force, or half of them.
            if serving:
                in_force.install(self.ledger.folder(serving.release), self.root)
            else:
                in_force.clear(self.root)
        elif serving:
            in_force.complete(self.root, self.ledger.folder(serving.release))
        self._upgrade(self.compose).roll_back()
        return serving

    def _upgrade(self, compose: Compose) -> DatabaseUpgrade:
        return self.services.database_upgrade(compose)

    def _bring(self, journal: Journal, looked: Plan, serving: Record | None, undo: Undo) -> Switch:
        site = self.site
        compose = Compose(site.project_src, site.project_name, journal.folder)
        gate = self._gate(compose)
        services = looked.backing
        upgrade = self._upgrade(compose)
        if SERVICE in services and upgrade.is_needed():
            # Nothing takes work with another server before it was found healthy with it, so nothing is kept.
            looked = self.look(stale=True)
            self.services.upgrade(journal, compose, upgrade, undo)
            services = tuple(name for name in services if name != SERVICE)
        self.services.start(journal, compose, services, undo)
        self.importing.clear_left_over(compose)
        journal.record.warnings += database.prepare(site, compose, was_replaced=SERVICE in looked.backing)
        self.importing.run(compose, journal, undo)
        switch = Switch(site, compose, self.front, looked, journal, undo)
        switch.before_work = partial(self.importing.commit, journal)
        if journal.record.upgraded:
            switch.before_work = partial(upgrade.commit, journal)
            switch.prober = None  # visitors have been away since long before the switch
        if looked.web.keep or journal.record.rollback_to:
            switch.create()
        else:
            self._examine_and_create(gate, switch, journal)
        # Nothing that keeps its containers has new code or settings to be let through.
        if not looked.web.keep or not gate.is_published():
            gate.serve_static(journal, undo, Site.of(serving.site) if serving else None)
        switch.run()
        if journal.record.applied is None and serving:
            journal.record.applied = serving.applied
        return switch

    @staticmethod
    def _examine_and_create(gate: Gate, switch: Switch, journal: Journal) -> None:
        # The very first command makes the stack's networks; two at once would each make one.
        if not gate.compose.has_network("default"):
            gate.run(journal)
            switch.create()
            return
        with beside(switch.create):
            gate.run(journal)

    def _failed(self, journal: Journal, undo: Undo, error: BaseException) -> ReleaseError:
        """Undo all that was done, write it down, and return the error to raise."""
        problems = undo.run()
        said = describe_error(error)
        if journal.record.upgrade_is_final:
            said += f"\nThe database stays upgraded ({journal.record.upgraded}), with all that was written to it since."
        if journal.record.import_is_final:
            said += f"\nThe data of {journal.record.imported['file']} stays in the database."
        if problems:
            said += "\nBesides, " + "; ".join(problems) + "."
        try:
            journal.fail(said)
        except OSError as full:  # the next run calls it interrupted
            said += f"\nThis could not be written to {journal.folder}: {full}."
        return ReleaseError(said)

    def _after(self, journal: Journal, switch: Switch) -> None:
        """The release serves: from here on, trouble is a warning."""
        record = journal.record
        try:
            if record.upgraded:
                self._upgrade(self.compose).finish()
            if not record.rollback_to:
                self._run_last_commands(journal)
            Retirement(self.site, self.front, switch.plan, switch.draining, journal).run()
            if switch.prober:
                switch.prober.stop()
                record.proof = switch.prober.report()
            record.warnings += [*tidy.tidy(self.site, self.ledger), *_seen(record)]
            journal.end()
        except Exception as error:  # noqa: BLE001 - it serves, whatever this is
            record.warnings.append(f"the release serves, but not all of its end could be done: {error}")

    def _run_last_commands(self, journal: Journal) -> None:
        try:
            run_commands(self.site, self.compose, journal, "after_switch")
        except ReleaseError as error:
            journal.record.warnings.append(f"the release serves, but {error}")

    def _gate(self, compose: Compose) -> Gate:
        return Gate(self.site, compose)

    def _present(
        self, found: dict[str, dict[str, Any]], known: list[str], backing: list[str], stale: bool
    ) -> list[Container]:
        service = {name: service_of(item) for name, item in found.items()}
        counts = {name: list(service.values()).count(name) for name in known if name in service.values()}
        old = self.compose.outdated(known, counts)
        return [self._container(item, service[name], name not in old, backing, stale) for name, item in found.items()]

    def _container(
        self, item: dict[str, Any], service: str, current: bool, backing: list[str], stale: bool
    ) -> Container:
        current = current and not holds_deleted(item)
        if service in backing:
            running = item["State"]["Running"] and (item["State"].get("Health") or {}).get("Status") != "unhealthy"
        else:
            running = is_running(item)
            current = current and not stale and item["Image"] == self.site.image_id
        return Container(name=name_of(item), service=service, running=running, current=current)


def _seen(record: Record) -> list[str]:
    """What a visitor, or a task, has seen of the switch that it should not have."""
    warnings = []
    failures = record.proof.get("failures")
    if failures:
        first = "; ".join(record.proof["first_failures"])
        warnings.append(f"{failures} of {record.proof['requests']} requests failed during the switch ({first})")
    if record.requeued:
        warnings.append(
            f"not finished within the time to stop of their process, so queued again: {', '.join(record.requeued)}"
        )
    return warnings
