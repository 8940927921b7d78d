# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must succeed in one-off containers of the new image before it may take traffic.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.project import (
    PROBE_CODE,
    Project,
    dotted_names,
    foreign_reason,
    parse_answer,
)
from ansible_collections.landfall.django.plugins.module_utils._database.restore import restore_hint
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release import (
    checks,
    database,
    interrupt,
    safety,
    static,
)
from ansible_collections.landfall.django.plugins.module_utils._release.commands import (
    COLLECT,
    IMAGE_STATIC,
    MIGRATE,
    run_commands,
)
from ansible_collections.landfall.django.plugins.module_utils._release.hints import describe_error
from ansible_collections.landfall.django.plugins.module_utils._release.record import (
    CHECKING,
    DUMPING,
    MIGRATING,
    Journal,
)
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Undo

_HARMLESS = {"--noinput", "--no-input"}  # options of `migrate` with which it does what Django says is pending
_LIMIT = 3600  # seconds for a one-off command


class Gate:
    """The checks, the migrations and the static files of one release."""

    def __init__(self, site: Site, compose: Compose):
        self.site = site
        self.compose = compose
        self.engine = by_name(site.database, site.database_external) if site.database else None

    def ask(self, then: Sequence[Sequence[str]] = ()) -> Project | None:
        """What Django says of its database; None where the project has no Django command.

        The same process runs the management commands `then`. Raises ReleaseError where it cannot say, or one fails.
        """
        if not self.site.manage_command:
            return None
        # Only this service may write where static files are collected.
        service = COLLECT if any("collectstatic" in words for words in then) else MIGRATE
        command = [*shlex.split(self.site.manage_command), "shell", "-c", PROBE_CODE + checks.code(then)]
        try:
            return parse_answer(self.compose.once(service, *command, timeout=_LIMIT))
        except DockerError as error:
            what = self._purpose(checks.failed(error.output))
            said = checks.without_mark(describe_error(error))
            raise ReleaseError(f"the new release could not {what}: {said}") from error
        except ValueError as error:
            raise ReleaseError(
                f"{self.site.manage_command} shell could not be asked for migrations: {error}"
            ) from error

    def _purpose(self, command: str) -> str:
        purposes = {
            "check": f"pass its own checks (stack_check_level is {self.site.check_level})",
            "collectstatic": "collect its static files",
        }
        return purposes.get(command, "ask the database for its migrations")

    def run(self, journal: Journal) -> None:
        """Let the release through, or raise ReleaseError."""
        journal.enter(CHECKING)
        with journal.step("check and collect static files"):
            try:
                answer = self._examine()
            except BaseException:
                self._end_one_offs()
                raise
        journal.record.applied = dotted_names(answer.applied) if answer else None
        self._run_commands(journal, "before_migrate")
        if self.site.migrate_command and self._may_be_pending(answer):
            judged = safety.judged(self.site.migration_policy, answer, despite=journal.record.despite_migrations)
            if judged.refusal:
                raise ReleaseError(judged.refusal)
            journal.record.warnings += judged.warnings
            self._migrate(journal, answer)
        self._run_commands(journal, "after_migrate")

    def _run_commands(self, journal: Journal, when: str) -> None:
        # Without its client a command would go on in its container, while the release is undone.
        with interrupt.deferred():
            run_commands(self.site, self.compose, journal, when)

    def _examine(self) -> Project | None:
        """Ask Django about its migrations, run its checks and collect the static files, in one container."""
        level = self.site.check_level
        wanted = [["check", "--deploy", "--fail-level", level]] if level else []
        if self.site.static_release or self.site.static_elsewhere:
            wanted.append(["collectstatic", "--noinput"])
        if self.site.static_in_image:
            self._copy_static_of_image()
        answer = self.ask(wanted)
        if answer and self.site.static_release and not any(self._static(self.site).iterdir()):
            raise ReleaseError(
                "collectstatic put nothing there: set stack_static_path to the project's STATIC_ROOT as seen in the"
                " image, or stack_collectstatic to false where the project serves its own files"
            )
        return answer

    def _copy_static_of_image(self) -> None:
        try:
            self.compose.once(IMAGE_STATIC, timeout=_LIMIT)
        except DockerError as error:
            raise ReleaseError(
                f"the files that the image has in its STATIC_ROOT could not be copied: {describe_error(error)}"
            ) from error

    def _end_one_offs(self) -> None:
        """A container goes on where its client was ended."""
        for service in (MIGRATE, COLLECT, IMAGE_STATIC):
            # What cannot be ended now is ended by the next release; the first error is the one that is told.
            with contextlib.suppress(DockerError):
                self.compose.end_left_over({service: 0})

    def serve_static(self, journal: Journal, undo: Undo, former: Site | None) -> None:
        """Bring the static files that the release has collected to where they are served."""
        if self.site.static_release:
            undo.add("publish the static files of the former release", self._publish, former)
            with journal.step("publish static files"):
                left_out = self._publish(self.site)
            if left_out:
                journal.record.warnings.append(static.warning(left_out))

    def _publish(self, site: Site | None) -> list[str]:
        if site is None or not site.static_release:
            return []
        return static.publish(self._static(site), Path(site.static_dest))

    def is_published(self) -> bool:
        """Whether something is there for Nginx to serve, where there should be."""
        if not self.site.static_release:
            return True
        dest = Path(self.site.static_dest)
        return (dest.is_dir() and any(dest.iterdir())) or not self._static(self.site).is_dir()

    @staticmethod
    def _static(site: Site) -> Path:
        return Path(site.project_src) / "static" / site.static_release

    def _is_plain(self) -> bool:
        """Whether the command that migrates is Django's own, of which the answer tells all."""
        plain = [*shlex.split(self.site.manage_command), "migrate"]
        words = shlex.split(self.site.migrate_command)
        # Any other option may name another database, or a migration to go back to.
        return words[: len(plain)] == plain and set(words[len(plain) :]) <= _HARMLESS

    def _may_be_pending(self, answer: Project | None) -> bool:
        return answer is None or not self._is_plain() or bool(answer.pending)

    def _migrate(self, journal: Journal, answer: Project | None) -> None:
        record = journal.record
        record.migrations = _in_order(answer)
        # A database without tables has nothing to lose; one that nobody could ask may have.
        if self.site.migration_dump and (answer is None or answer.applied):
            journal.enter(DUMPING)
            with journal.step("dump the database"):
                self._dump(journal, answer)
        journal.enter(MIGRATING)
        try:
            # Without its client a migration would go on in its container, while the database is put back.
            with journal.step("migrate the database"), self._alone(), interrupt.deferred():
                self.compose.once(MIGRATE, timeout=_LIMIT)
        except DockerError as error:
            raise ReleaseError(self._migration_failed(journal, error)) from error
        after = self.ask()
        if answer and after:
            record.applied = dotted_names(after.applied)
            record.migrations = dotted_names(set(after.applied) - set(answer.applied))
            journal.save()

    def _alone(self) -> AbstractContextManager[None]:
        """Hold the lock for migrations of the database's own server."""
        if self.engine is None:
            return contextlib.nullcontext()
        server = database.server_of(self.site, self.compose)
        return server.migration_lock(server.schema())

    def _dump(self, journal: Journal, answer: Project | None) -> None:
        """Dump the stack's database, which must be the one that the migrations change."""
        if self.engine is None:
            raise self._cannot_dump(answer, "the stack has no database server")
        server = database.server_of(self.site, self.compose)
        if self.engine.external:
            database.check_external(server)
        schema = server.schema()
        why = foreign_reason(answer, self.engine, server.identity(schema), schema) if answer else ""
        if why:
            raise self._cannot_dump(answer, why)
        if journal.record.upgraded or journal.record.imported:
            return  # the upgrade has dumped the same data, or it was just imported
        made = dump(server, journal.folder, schema)
        journal.record.dump = str(made.archive)
        journal.record.warnings += made.warnings
        if answer is None:
            journal.record.warnings.append(
                f"{made.archive} is of the stack's own database; without stack_manage_command nobody could ask the"
                " project whether that is the one it migrated"
            )

    @staticmethod
    def _cannot_dump(answer: Project | None, why: str) -> ReleaseError:
        pending = ", ".join(_in_order(answer)) or "unknown to Django"
        return ReleaseError(
            f"stack_migration_dump: migrations are pending ({pending}), and {why}, which this stack cannot dump. No"
            " migration ran. Make a backup of that database, and set stack_migration_dump to false to migrate without a"
            " dump"
        )

    def _migration_failed(self, journal: Journal, error: Exception) -> str:
        record = journal.record
        pending = ", ".join(record.migrations) or "unknown to Django"
        said = f"the migration failed (pending were: {pending}): {describe_error(error)}\n"
        if record.imported:
            return said + f"The import of {record.imported['file']} is undone too, and the file is as it was."
        if record.upgraded:
            return said + "The upgrade of the database was undone too, so the data is as it was before both."
        if self.engine:
            said += self.engine.after_failed_migration
        if record.dump and self.engine:
            said += f" {restore_hint(self.site.project_src, record.release, self.engine)}"
        return said


def _in_order(answer: Project | None) -> list[str]:
    return [f"{app}.{name}" for app, name in answer.pending] if answer else []
