# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The upgrade of the database as a part of a release.

It happens before the gate, and is committed when the new web is healthy, before anything new takes work. Then the files
of all releases get the image of the new server, so that neither a rollback nor a failure starts an older one. Private
to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE, Engine
from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import COMMITTED, Upgrade
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import docker, is_running
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES, Compose, service_of
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._release import health, in_force
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import Journal
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site

_FILE = "compose.yaml"
# The image of the service in compose.yaml.
_IMAGE = re.compile(rf"(?m)^(  {SERVICE}:\n(?:(?:    .*)?\n)*?    image: )(.*)$")
_TAGGED = re.compile(r"\d+(?:\.\d+)*")
_STOP = 900  # seconds for a server to write its data to the disk


class DatabaseUpgrade:
    """Whether a release changes the series of the database server, and the way there and back.

    `compose` has the release's files. `start_former` starts the services with the files in force.
    """

    def __init__(self, site: Site, compose: Compose, ledger: Ledger, start_former: Callable[[], object]):
        self.site = site
        self.compose = compose
        self.ledger = ledger
        self.start_former = start_former
        self.root = Path(site.project_src)
        self.former = Compose(site.project_src, site.project_name)
        self.engine = by_name(site.database or DEFAULT)
        volume, server = Volume(site.project_name), Server(_command(compose), self.engine)
        self.writers = Writers(self.former)
        self.upgrade = Upgrade(self.root, volume, server, self.writers, self._stop_server, start_former)
        self.old = self.new = self.image = ""

    def is_needed(self) -> bool:
        """Return whether the data needs an upgrade. Raises ReleaseError where the new server must not get it."""
        return self._judge("", self._asked)

    def foreseen(self, image: str) -> list[str]:
        """Describe what becomes of the data with this image of the server, one line per step; for check mode.

        Raises ReleaseError as `is_needed`. An image that is not on the host is not pulled: its tag is read.
        """
        file = self.root / _FILE
        if file.exists() and database_image(file.read_text()) == image:
            return []
        if self._judge(image, self._known):
            return [f"upgrade the database from {self.old} to {self.new}, with the site unavailable meanwhile"]
        if self.old and not self.new:
            return [
                f"upgrade the database from {self.old} if {image}, which is not on this host yet, is of a newer series"
            ]
        return [f"start or recreate {SERVICE}"]

    def _judge(self, image: str, version_of: Callable[[str], str]) -> bool:
        versions = self.engine.versions
        try:
            folder = self.upgrade.volume.folder()
            old = versions.of_data(folder) if folder else None
            if old is None:
                return False
            self.old, self.image = old, image or self.compose.image(SERVICE)
            self.new = version_of(self.image)
            if not self.new or not versions.needs_dump(old, self.new):
                return False
        except ValueError as error:
            raise ReleaseError(f"stack_database_image: {error}. Nothing was stopped or changed") from error
        self._refuse_unknown_files()
        return True

    def _asked(self, image: str) -> str:
        versions = self.engine.versions
        run = ("run", "--rm", "--network=none", f"--entrypoint={versions.program}", image)
        return versions.parse(docker(*run, "--version"))

    def _known(self, image: str) -> str:
        is_here = docker("image", "ls", "--quiet", image).strip()
        return self._asked(image) if is_here else tagged_version(image, self.engine)

    def _refuse_unknown_files(self) -> None:
        if in_force.is_empty(self.root):
            raise ReleaseError(
                f"stack_database_image: the volume {self.upgrade.volume.name} has data of {self.engine.title}"
                f" {self.old}, and no release serves that could dump it: deploy with an image of that version first"
            )
        written = database_image((self.root / _FILE).read_text())
        if written != self.former.image(SERVICE):
            raise ReleaseError(
                f"stack_database_image: the image of {SERVICE} is not where {_FILE} of this collection has it, but"
                " perhaps in stack_compose_override: set it by stack_database_image, deploy, and then change it"
            )

    def run(self, journal: Journal, start_server: Callable[[], object]) -> None:
        """Give the data to the new server."""
        if not any(is_running(item) for item in self.former.containers(SERVICE).values()):
            self.start_former()
        dump = self.upgrade.run(self.old, self.new, self.image, journal.folder, start_server)
        record = journal.record
        record.dump, record.upgraded = str(dump.archive), f"{self.old} to {self.new}"
        record.warnings += dump.warnings
        journal.save()

    def commit(self, journal: Journal) -> None:
        """Make the new data final, and let no release start an older server."""
        journal.record.upgrade_is_final = True
        journal.save()
        self._keep_image(self.upgrade.commit().image)

    def roll_back(self) -> None:
        """Bring the former database and containers back; after the commit, the former containers only."""
        journal = self.upgrade.read()
        if not journal:
            return
        if journal.state == COMMITTED:
            # Also of what was put in force again, or not reached before the commit was interrupted.
            self.upgrade.remember(journal)
            self._keep_image(journal.image)
        self.upgrade.put_back()
        self.start_former()
        self.writers.restart(self._startable(journal.containers))
        self.upgrade.finish()
        if self.site.front_root:
            # What still keeps visitors away after that, whoever goes on finds out.
            health.wait_for_visitors(
                self.site.front_port, self.site.host, self.site.health_path, self.site.health_timeout
            )

    def finish(self) -> None:
        """Nothing of a committed upgrade is in progress any more."""
        self.upgrade.finish()

    def _startable(self, names: tuple[str, ...]) -> list[str]:
        """Without those of which a killed release has started another one, and there must not be two."""
        alone = set(self.site.processes) - set(self.site.workers)
        present = self.former.containers()
        taken = {service_of(item) for name, item in present.items() if is_running(item) and name not in names}
        return [name for name in names if name in present and service_of(present[name]) not in alone & taken]

    def _keep_image(self, image: str) -> None:
        for folder in (self.root, *self.ledger.folders()):
            file = folder / _FILE
            text = file.read_text() if file.exists() else ""
            if database_image(text) not in (None, image):
                replace(file, with_database_image(text, image).encode(), FILES[_FILE])

    def _stop_server(self) -> None:
        self.former("rm", "--stop", "--force", SERVICE, timeout=_STOP)


def tagged_version(image: str, engine: Engine) -> str:
    """Return the version in the tag of an engine's official image.

    Empty for any other image, whose tags may mean anything, and for a tag that names no series, such as `latest`.
    """
    name, _colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    found = _TAGGED.match(tag)
    official = name == engine.image.partition(":")[0]
    complete = found and found[0].count(".") + 1 >= engine.versions.series_length
    return found[0] if found and official and complete else ""


def database_image(text: str) -> str | None:
    """Return the image of the database in a compose.yaml, or None where it is not found."""
    found = _IMAGE.search(text)
    return found[2].strip().strip("\"'") if found else None


def with_database_image(text: str, image: str) -> str:
    """Return a compose.yaml with another image of the database."""
    return _IMAGE.sub(lambda found: found[1] + image, text, count=1)


def _command(compose: Compose) -> list[str]:
    return [*compose.view(), "docker", "compose", "--project-directory", compose.root]
