# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a stack on its host: what the module stack_status reports, and what the alarms tell.

A check that is added to CHECKS is in both. Private to this collection.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Result
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, tls
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import containers, docker
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import PROJECT
from ansible_collections.landfall.django.plugins.module_utils._release import health, ledger, report
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site
from ansible_collections.landfall.django.plugins.module_utils._sizes import host
from ansible_collections.landfall.django.plugins.module_utils._status import backups, jobs, routes, services, storage

LETSENCRYPT = Path("/etc/letsencrypt")
# Where the renewal hooks of the role letsencrypt report a failure.
HOOK_FAILURES = Path("/var/lib/letsencrypt")


@dataclass(frozen=True)
class Stack:
    """A stack on this host. Where `front_root` is empty, another server is in front."""

    stack: str
    root: str
    front_root: str = "/srv/nginx"
    domain: str = ""
    https_port: int = 443
    disk_free_minimum_mib: int = 3072
    media_maximum_mib: int = 0

    @property
    def has_site(self) -> bool:
        """Whether the certificate and the site can be checked."""
        return bool(self.front_root and self.domain)

    @property
    def media(self) -> Path:
        files = f"{self.front_root}/sites/{self.stack}" if self.front_root else f"{self.root}/public"
        return Path(files) / "media"

    def records(self) -> list[Record]:
        """Return the records of all releases. Raises ValueError for one that a newer version wrote."""
        return ledger.Ledger(self.root).read()


@dataclass(frozen=True)
class Measure:
    """A value for the metrics."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a check found. Each problem is a sentence that begins with its subject and a colon.

    `severe` has the subjects that the alarms tell at the first sight.
    """

    problems: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    severe: frozenset[str] = frozenset()


def rows(project: str, root: str) -> tuple[list[services.Row], dict[str, int]]:
    """Return the rows of one Compose project, and the number of containers that each service should have."""
    file = Path(root) / "compose.yaml"
    config = json.loads(docker("compose", "--project-name", project, "--file", str(file), "config", "--format", "json"))
    counts = services.wanted(config)
    now = datetime.datetime.now(datetime.timezone.utc)
    found = services.rows(containers([f"label=com.docker.compose.project={project}"]), now)
    return services.with_missing(found, counts), counts


def services_of(projects: list[tuple[str, str]]) -> Found:
    """Check the containers of all Compose projects. A project without compose.yaml is one problem."""
    shown: list[services.Row] = []
    problems: list[str] = []
    measures: list[Measure] = []
    for project, root in projects:
        file = Path(root) / "compose.yaml"
        if not file.exists():
            problems.append(
                f"{project}: {file} does not exist on the host: deploy {project}, or correct stack_root or"
                " stack_nginx_root."
            )
            continue
        found, counts = rows(project, root)
        shown += found
        problems += services.problems(found, counts)
        for service, wanted in counts.items():
            fine = sum(row["service"] == service and services.is_fine(row) for row in found)
            labels = {"project": project, "service": service}
            measures.append(Measure("containers_wanted", wanted, labels))
            measures.append(Measure("containers_healthy", fine, labels))
    return Found(problems, shown, measures)


def check_services(stack: Stack) -> Found:
    """Check the containers of the stack and of the front."""
    return services_of([(stack.stack, stack.root)] + ([(PROJECT, stack.front_root)] if stack.front_root else []))


def check_certificate(stack: Stack) -> Found:
    """Check the site's certificate and its renewal."""
    if not stack.has_site:
        return Found()
    now = datetime.datetime.now(datetime.timezone.utc)
    domain, port, front = stack.domain, stack.https_port, Path(stack.front_root)
    folder, temporary = front / "tls" / stack.stack, front / "tls/temporary" / stack.stack / "fullchain.pem"
    try:
        kept = tls.kept(folder / "fullchain.pem")
        shown = tls.shown(port, domain)
        place = folder.resolve()
        renewal = LETSENCRYPT / "renewal" / f"{place.name}.conf"
        renewed = place.parent == LETSENCRYPT / "live" and renewal.is_file()
        failure = HOOK_FAILURES / f"{place.name}.hook-failed"
        found = services.Certificate(
            domain=domain,
            port=port,
            kept=tls.described(kept),
            shown=None if shown is None else tls.described(shown),
            is_same=kept == shown,
            is_own=place.parent == front.resolve() / "tls" / "own",
            is_temporary=place.parent == front.resolve() / "tls" / "temporary",
            shows_temporary=shown is not None and temporary.is_file() and shown == tls.kept(temporary),
            certbot=certbot.parse_maker(renewal.read_text()) if renewed else (),
            reload=str(front / "reload"),
            hook_failure=" ".join(failure.read_text().split())[-200:] or "it printed nothing"
            if failure.is_file()
            else "",
        )
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return Found([f"certificate: the certificate of {domain} cannot be read ({error}): run landfall.django.site."])
    problems = services.certificate_problems(found, now)
    if renewed:
        show = ["systemctl", "show", "--property=Id,ActiveState", "certbot.service", "certbot.timer"]
        problems += services.renewal_problems(services.units(run(show).stdout))
    expiry = (found.shown or found.kept).not_after.timestamp()
    return Found(
        problems,
        [services.certificate_row(found, now)],
        [Measure("certificate_expiry_timestamp_seconds", expiry, {"domain": domain})],
    )


def check_site(stack: Stack) -> Found:
    """Request the site's health page through the front."""
    if not stack.has_site:
        return Found()
    record = ledger.serving(stack.records())
    path = Site.of(record.site).health_path if record else "/"
    problem = health.visitor_problem(stack.https_port, stack.domain, path)
    sentence = f"{stack.domain}: {problem}. Run landfall.django.deploy, which points Nginx at the running containers."
    return Found([sentence] if problem else [], measures=[Measure("site_up", not problem, {"domain": stack.domain})])


def check_routes(stack: Stack) -> Found:
    """Request each route of the release that serves through the front."""
    record = ledger.serving(stack.records())
    if not (stack.has_site and record):
        return Found()
    found = routes.rows(
        Site.of(record.site).routed, stack.domain, lambda host, path: visitor.request(stack.https_port, host, path)
    )
    return Found(routes.problems(found), found)


def sizes_in_force(root: Path) -> dict[str, Any]:
    """Return the sizes in a stack's compose.yaml, and how many stacks the host has now where that has changed."""
    file = root / "compose.yaml"
    recorded = host.recorded(file.read_text(encoding="utf-8")) if file.is_file() else {}
    now = host.stacks(str(root))
    return {**recorded, "stacks_now": now} if recorded and now != recorded["stacks"] else recorded


def is_under_way(path: Path) -> bool:
    """Return whether a release is in progress on the host."""
    if not path.exists():
        return False
    with lock.open_lock(path) as file:
        return not lock.try_lock(file)


def check_storage(stack: Stack) -> Found:
    """Check the free disk space and the size of the media."""
    maximum = stack.media_maximum_mib
    media = (str(stack.media), storage.size(stack.media) if maximum else 0)
    rooms = storage.rooms(data_folders(stack))
    return Found(storage.problems(rooms, stack.disk_free_minimum_mib, media, maximum))


def data_folders(stack: Stack) -> list[str]:
    """Return the folders in which the data of the stack and of Docker grow."""
    # The alarms look at the disks also where Docker hangs.
    docker_root = docker("info", "--format", "{{.DockerRootDir}}", timeout=60).strip()
    return [stack.root, str(stack.media), docker_root]


def former_data(stack: str) -> list[str]:
    """Return a sentence for each volume with the data from before an upgrade of the database."""
    volume = Volume(stack)
    sizes = {name: storage.size(volume.former_folder(name)) for name in volume.former()}
    return [
        f"{name}: {size} MiB from before an upgrade of the database. restore_forget=true of"
        " landfall.django.restore removes it."
        for name, size in sizes.items()
    ]


def check_jobs(stack: Stack) -> Found:
    """Check how each of the stack's jobs ended last."""
    names = jobs.jobs(stack.stack)
    if not names:
        return Found()
    show = ["systemctl", "show", f"--property={','.join(jobs.PROPERTIES)}", *jobs.units_of(stack.stack, names)]
    units = services.units(run(show).stdout)
    return Found(jobs.problems(stack.stack, names, units), jobs.rows(stack.stack, names, units))


def check_backups(stack: Stack) -> Found:
    """Check the age and the end of the stack's last backup and of its last drill."""
    root = Path(stack.root)
    settings = Settings.read(root)
    if settings is None:
        return Found()
    state, drill, now = State.read(root), Result.read(root), datetime.datetime.now(datetime.timezone.utc)
    timers = [name(settings.stack, "timer") for name in (backups.unit_of, backups.drill_unit_of)]
    units = services.units(run(["systemctl", "show", "--property=Id,ActiveState", *timers]).stdout)
    return Found(backups.problems(settings, state, drill, units, now), [backups.row(settings, state, drill)])


def check_release(stack: Stack) -> Found:
    """Check how the last attempts at a release ended."""
    records = stack.records()
    under_way = is_under_way(Path(stack.root) / ".lock")
    served = ledger.serving(records)
    measures = [Measure("release_serving", served.release)] if served else []
    return Found(report.problems(records, under_way), report.rows(records, under_way), measures)


# In the order in which their problems are reported.
CHECKS: dict[str, Callable[[Stack], Found]] = {
    "services": check_services,
    "storage": check_storage,
    "jobs": check_jobs,
    "backups": check_backups,
    "certificate": check_certificate,
    "site": check_site,
    "routes": check_routes,
    "release": check_release,
}
