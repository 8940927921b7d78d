#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_status
short_description: Report the state of a stack's services, releases and certificate
version_added: 0.1.0
description:
  - Compares the services in the C(compose.yaml) of the stack and of the front with their containers. Returns a table,
    the same as data, and one sentence for each container that is missing, stopped, restarting or not healthy. A service
    without a health check only has to run.
  - With O(domain), reports the certificate that the front serves, and problems with it and its renewal. It must be the
    one on disk and not the temporary one. It must have a third of its life left, less the 25 hours that certbot may
    take to renew it then. Of a life under ten days, where certbot renews at half of it, it must have a third.
  - With O(domain), requests the site's health page through the front, as a visitor would.
  - Reports how each scheduled job ended last, and one that failed or has no timer as a problem.
  - Reports the last good backup, and as a problem one that failed, is too old, was not sent or is not
    scheduled, and likewise the last drill.
  - Reports how the last attempts at a release ended, and whether one was interrupted.
  - Does not fail where a service is down, so that a play can show the table first.
author: landfall.django contributors (@landfall)
extends_documentation_fragment:
  - landfall.django._attributes.read_only
options:
  stack:
    description: Name of the stack, which is also the name of its Compose project.
    type: str
    required: true
  root:
    description: Folder of the stack. By default the folder of this name in C(/srv).
    type: path
  front_root:
    description: Folder of the front's files. Empty where another server is in front.
    type: str
    default: /srv/nginx
  domain:
    description: Host name of the site. If it or O(front_root) is empty, the certificate and the site are not checked.
    type: str
    default: ""
  https_port:
    description: The front's HTTPS port on this host.
    type: int
    default: 443
  disk_free_minimum_mib:
    description: Free space in MiB that the file systems of the stack, of its media and of Docker's data must have.
    type: int
    default: 3072
  media_maximum_mib:
    description: Maximum size of the stack's media, in MiB. With V(0) there is none, and the media are not measured.
    type: int
    default: 0
attributes:
  platform:
    support: full
    platforms: linux
    description: The host needs Docker and its Compose plugin.
"""

EXAMPLES = r"""
- name: Read the state of the stack
  landfall.django.stack_status:
    stack: shop
    domain: shop.example.com
  become: true
  register: status

- name: Show the services
  ansible.builtin.debug:
    var: status.table
"""

RETURN = r"""
table:
  description: The lines of a table of all containers.
  returned: success
  type: list
  elements: str
  sample:
    - SERVICE  STATE    HEALTH   UPTIME      MEMORY   IMAGE
    - db       running  healthy  3 d 4 h     672 MiB  mysql:9.7
    - web      running  healthy  12 min 5 s  512 MiB  shop:5f0c2e
services:
  description: The same as data, one entry per container.
  returned: success
  type: list
  elements: dict
  sample:
    - {"service": "db", "state": "running", "health": "healthy", "uptime": "3 d 4 h", "memory": "672 MiB",
       "image": "mysql:9.7", "container": "shop-db-1"}
sizes:
  description: The lines of a table of the sizes in the stack's C(compose.yaml), by the names in V(stack_sizes), and of
    the host's memory and cores that they are for. What C(stack_compose_override) changes is in RV(table) only.
  returned: success
  type: list
  elements: str
  sample:
    - SIZE         VALUE
    - memory_mib   3915
    - web_workers  2
releases:
  description: The lines of a table of the last attempts at a release, newest first, with the first line of the error.
    Empty before the first release.
  returned: success
  type: list
  elements: str
  sample:
    - RELEASE  STATE    AT                BY          IMAGE              SECONDS  LOST     REASON
    - 8        failed   2026-11-25 04:02  ann@laptop  shop:91d0c7e6a2b4  12.1     -        the migration failed ...
    - 7        serving  2026-11-25 03:31  ann@laptop  shop:3f9c2ab41d07  8.4      0 of 96
certificate:
  description: The lines of a table of the certificate. Empty where it was not checked.
  returned: success
  type: list
  elements: str
  sample:
    - CERTIFICATE       UNTIL             LEFT      OF    SERVED
    - shop.example.com  2027-02-21 04:25  60 d 3 h  90 d  as on disk
jobs:
  description: The lines of a table of the scheduled jobs. Empty where there are none. After a reboot, systemd knows no
    result until a job runs again.
  returned: success
  type: list
  elements: str
  sample:
    - JOB            LAST                         RESULT              NEXT
    - clearsessions  Sat 2026-11-28 00:00:00 UTC  success             Sun 2026-11-29 00:00:00 UTC
    - report         Sat 2026-11-28 03:15:00 UTC  failed with code 1  Sat 2026-11-28 03:30:00 UTC
backups:
  description: The lines of a table of the last good backup. Empty where the role C(backup) was not applied.
  returned: success
  type: list
  elements: str
  sample:
    - BACKUP            AT                SIZE    SENT              RESULT   DRILL
    - 20261128T031000Z  2026-11-28 03:10  18 MiB  20261128T031000Z  success  2026-11-22 success
profile:
  description: What the settings of the release that serves said. Empty where they were not asked.
  returned: success
  type: dict
  sample: {"debug": false, "media_root": "/app/media", "health_path": "/health/"}
kept:
  description: One sentence for each volume with the data from before an upgrade of the database.
  returned: success
  type: list
  elements: str
  sample:
    - "shop_db-data-17: 412 MiB from before an upgrade of the database. restore_forget=true of landfall.django.restore
      removes it."
problems:
  description: One sentence for each problem with a container, the certificate, the site, the disk or a release. Empty
    where there is none.
  returned: success
  type: list
  elements: str
  sample:
    - "celery: its container shop-celery-1 is unhealthy: see docker logs shop-celery-1."
"""

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._backup.drill import Result
from ansible_collections.landfall.django.plugins.module_utils._backup.state import Settings, State
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, tls
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, containers, docker
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import PROJECT
from ansible_collections.landfall.django.plugins.module_utils._release import health, ledger, report
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site
from ansible_collections.landfall.django.plugins.module_utils._sizes import host
from ansible_collections.landfall.django.plugins.module_utils._status import backups, jobs, services, storage

LETSENCRYPT = Path("/etc/letsencrypt")
# Where the renewal hooks of the role letsencrypt report a failure.
HOOK_FAILURES = Path("/var/lib/letsencrypt")


def rows(project: str, root: str) -> tuple[list[services.Row], dict[str, int]]:
    """Return the rows of one Compose project, and the number of containers that each service should have."""
    file = Path(root) / "compose.yaml"
    config = json.loads(docker("compose", "--project-name", project, "--file", str(file), "config", "--format", "json"))
    counts = services.wanted(config)
    now = datetime.datetime.now(datetime.timezone.utc)
    found = services.rows(containers([f"label=com.docker.compose.project={project}"]), now)
    return services.with_missing(found, counts), counts


def services_of(projects: list[tuple[str, str]]) -> tuple[list[services.Row], list[str]]:
    """Return the rows of all Compose projects and their problems. A project without compose.yaml is one problem."""
    shown: list[services.Row] = []
    problems: list[str] = []
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
    return shown, problems


def certificate(params: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the table of the site's certificate, and problems with it and its renewal."""
    now = datetime.datetime.now(datetime.timezone.utc)
    domain, port, front = params["domain"], params["https_port"], Path(params["front_root"])
    folder, temporary = front / "tls" / params["stack"], front / "tls/temporary" / params["stack"] / "fullchain.pem"
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
        return [], [f"certificate: the certificate of {domain} cannot be read ({error}): run landfall.django.site."]
    problems = services.certificate_problems(found, now)
    if renewed:
        show = ["systemctl", "show", "--property=Id,ActiveState", "certbot.service", "certbot.timer"]
        problems += services.renewal_problems(services.units(run(show).stdout))
    return services.certificates([services.certificate_row(found, now)]), problems


def answer(params: dict[str, Any], record: Record | None) -> list[str]:
    """Request the site's health page through the front, and return its problem, if any."""
    path = Site.of(record.site).health_path if record else "/"
    problem = health.visitor_problem(params["https_port"], params["domain"], path)
    if not problem:
        return []
    return [f"{params['domain']}: {problem}. Run landfall.django.deploy, which points Nginx at the running containers."]


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


def lacks_room(params: dict[str, Any], root: str) -> list[str]:
    """Return problems with free disk space and the size of the media."""
    files = f"{params['front_root']}/sites/{params['stack']}" if params["front_root"] else f"{root}/public"
    media, maximum = Path(files) / "media", params["media_maximum_mib"]
    docker_root = docker("info", "--format", "{{.DockerRootDir}}").strip()
    found = (str(media), storage.size(media) if maximum else 0)
    rooms = storage.rooms([root, str(media), docker_root])
    return storage.problems(rooms, params["disk_free_minimum_mib"], found, maximum)


def former_data(stack: str) -> list[str]:
    """Return a sentence for each volume with the data from before an upgrade of the database."""
    volume = Volume(stack)
    sizes = {name: storage.size(volume.former_folder(name)) for name in volume.former()}
    return [
        f"{name}: {size} MiB from before an upgrade of the database. restore_forget=true of"
        " landfall.django.restore removes it."
        for name, size in sizes.items()
    ]


def scheduled(stack: str) -> tuple[list[str], list[str]]:
    """Return the table of the stack's jobs and their problems."""
    names = jobs.jobs(stack)
    if not names:
        return [], []
    show = ["systemctl", "show", f"--property={','.join(jobs.PROPERTIES)}", *jobs.units_of(stack, names)]
    units = services.units(run(show).stdout)
    table = services.table(jobs.rows(stack, names, units), jobs.COLUMNS)
    return table, jobs.problems(stack, names, units)


def backed_up(root: Path) -> tuple[list[str], list[str]]:
    """Return the table of the stack's last backup and its problems."""
    settings = Settings.read(root)
    if settings is None:
        return [], []
    state, drill, now = State.read(root), Result.read(root), datetime.datetime.now(datetime.timezone.utc)
    timers = [name(settings.stack, "timer") for name in (backups.unit_of, backups.drill_unit_of)]
    units = services.units(run(["systemctl", "show", "--property=Id,ActiveState", *timers]).stdout)
    table = services.table([backups.row(settings, state, drill)], backups.COLUMNS)
    return table, backups.problems(settings, state, drill, units, now)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "str", "required": True},
            "root": {"type": "path"},
            "front_root": {"type": "str", "default": "/srv/nginx"},
            "domain": {"type": "str", "default": ""},
            "https_port": {"type": "int", "default": 443},
            "disk_free_minimum_mib": {"type": "int", "default": 3072},
            "media_maximum_mib": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    stack, front_root = module.params["stack"], module.params["front_root"]
    projects = [(stack, module.params["root"] or f"/srv/{stack}")]
    if front_root:
        projects.append((PROJECT, front_root))
    try:
        shown, problems = services_of(projects)
        problems += lacks_room(module.params, projects[0][1])
        kept = former_data(stack)
    except DockerError as error:
        module.fail_json(msg=str(error))
    root = projects[0][1]
    try:
        records = ledger.Ledger(root).read()
    except ValueError as error:
        module.fail_json(msg=str(error))
    serving = ledger.serving(records)
    under_way = is_under_way(Path(root) / ".lock")
    job_lines, job_problems = scheduled(stack)
    backup_lines, backup_problems = backed_up(Path(root))
    problems += [*job_problems, *backup_problems]
    lines: list[str] = []
    if front_root and module.params["domain"]:
        lines, faults = certificate(module.params)
        problems += [*faults, *answer(module.params, serving)]
    module.exit_json(
        changed=False,
        table=services.table(shown),
        services=shown,
        sizes=services.sizes(sizes_in_force(Path(root))),
        releases=services.table(report.rows(records, under_way), report.COLUMNS) if records else [],
        certificate=lines,
        jobs=job_lines,
        backups=backup_lines,
        profile=serving.profile if serving else {},
        kept=kept,
        problems=problems + report.problems(records, under_way),
    )


if __name__ == "__main__":
    main()
