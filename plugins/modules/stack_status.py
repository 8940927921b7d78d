#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_status
short_description: Tell how the services of a stack are
version_added: 0.1.0
description:
  - Compares the services that a stack's C(compose.yaml) and that of the front ask for with the containers there are,
    and returns them as a table, as data, and as one sentence for each that is missing, stopped, restarting or not
    healthy. A service without a health check is fine when it runs.
  - Tells with O(domain) how its certificate is, and names what is wrong with it and its renewal. It has to be the one
    on disk and no temporary one, and must have a third of its life left, less the 25 hours that certbot may take from
    then to renew it. Of a life under ten days, where certbot renews at half, a third.
  - Asks the site itself for its health, with O(domain) and through the front, as a visitor would. Says of each of the
    last attempts at a release how it ended, and names one that was interrupted.
  - It does not fail because a service is down, so that a play can show the table first.
author: landfall.django contributors (@landfall)
options:
  stack:
    description: The name of the stack, which is that of its Compose project.
    type: str
    required: true
  root:
    description: The stack's folder. By default C(/srv/) and the stack's name.
    type: path
  front_root:
    description: The folder of the host's Nginx. Set it to nothing where another server stands in front.
    type: str
    default: /srv/nginx
  domain:
    description: The host name to ask the front for. Without one, or without O(front_root), no certificate is looked at.
    type: str
    default: ""
  https_port:
    description: The local port that shows the certificate.
    type: int
    default: 443
  disk_free_minimum_mib:
    description: What has to be left on the file systems of the stack, of its media and of Docker's data, in MiB.
    type: int
    default: 3072
  media_maximum_mib:
    description: What the stack's media may take on the disk, in MiB. They are counted where there is a bound only.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It never changes anything.
  platform:
    support: full
    platforms: linux
    description: The host needs Docker and its Compose plugin.
"""

EXAMPLES = r"""
- name: Ask for the services
  landfall.django.stack_status:
    stack: shop
    domain: shop.example.com
  become: true
  register: status

- name: Show them
  ansible.builtin.debug:
    var: status.table
"""

RETURN = r"""
table:
  description: The lines of a table of all services.
  returned: success
  type: list
  elements: str
  sample:
    - SERVICE  STATE    HEALTH   UPTIME    IMAGE
    - db       running  healthy  3 d 4 h   mysql:9.7
    - web      running  healthy  12 min 5 s  shop:5f0c2e
services:
  description: The same as data, one entry a container.
  returned: success
  type: list
  elements: dict
  sample:
    - {"service": "db", "state": "running", "health": "healthy", "uptime": "3 d 4 h", "image": "mysql:9.7",
       "container": "shop-db-1"}
releases:
  description: The lines of a table of the last attempts at a release, newest first, with the first line of what went
    wrong. Empty before the first.
  returned: success
  type: list
  elements: str
  sample:
    - RELEASE  STATE    AT                BY          IMAGE              SECONDS  LOST     REASON
    - 8        failed   2026-11-25 04:02  ann@laptop  shop:91d0c7e6a2b4  12.1     -        the migration failed ...
    - 7        serving  2026-11-25 03:31  ann@laptop  shop:3f9c2ab41d07  8.4      0 of 96
certificate:
  description: The lines of a table of the certificate. Empty where none was asked for.
  returned: success
  type: list
  elements: str
  sample:
    - CERTIFICATE       UNTIL             LEFT      OF    SERVED
    - shop.example.com  2027-02-21 04:25  60 d 3 h  90 d  as on disk
problems:
  description: One sentence for each container that is not as it should be, and for each fault of the certificate. An
    empty list where all is well.
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
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, tls
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, containers, docker
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import PROJECT
from ansible_collections.landfall.django.plugins.module_utils._release import health, ledger, report
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site
from ansible_collections.landfall.django.plugins.module_utils._status import services, storage

LETSENCRYPT = Path("/etc/letsencrypt")
# Where the role letsencrypt has its hooks say that they failed.
HOOK_FAILURES = Path("/var/lib/letsencrypt")


def rows(project: str, root: str) -> tuple[list[services.Row], dict[str, int]]:
    """The rows of one Compose project, and how many containers of each service there should be."""
    file = Path(root) / "compose.yaml"
    config = json.loads(docker("compose", "--project-name", project, "--file", str(file), "config", "--format", "json"))
    counts = services.wanted(config)
    now = datetime.datetime.now(datetime.timezone.utc)
    found = services.rows(containers([f"label=com.docker.compose.project={project}"]), now)
    return services.with_missing(found, counts), counts


def services_of(projects: list[tuple[str, str]]) -> tuple[list[services.Row], list[str]]:
    """The rows of all Compose projects, and what is wrong with them; of one that has no files in force just that."""
    shown: list[services.Row] = []
    problems: list[str] = []
    for project, root in projects:
        file = Path(root) / "compose.yaml"
        if not file.exists():
            problems.append(f"{project}: there is no {file} on the host: deploy {project} first, or correct its root.")
            continue
        found, counts = rows(project, root)
        shown += found
        problems += services.problems(found, counts)
    return shown, problems


def certificate(params: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The table of the site's certificate, and what is wrong with it and its renewal."""
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
            is_temporary=place.parent == front.resolve() / "tls" / "temporary",
            shows_temporary=shown is not None and temporary.is_file() and shown == tls.kept(temporary),
            certbot=certbot.parse_maker(renewal.read_text()) if renewed else (),
            reload=str(front / "reload"),
            hook_failure=" ".join(failure.read_text().split())[-200:] or "it said nothing" if failure.is_file() else "",
        )
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return [], [f"certificate: that of {domain} cannot be read: {error}: run landfall.django.site."]
    problems = services.certificate_problems(found, now)
    if renewed:
        show = ["systemctl", "show", "--property=Id,ActiveState", "certbot.service", "certbot.timer"]
        problems += services.renewal_problems(services.units(run(show).stdout))
    return services.certificates([services.certificate_row(found, now)]), problems


def answer(params: dict[str, Any], record: Record | None) -> list[str]:
    """What a visitor of the site would miss, if anything: it is asked through the front."""
    path = Site.of(record.site).health_path if record else "/"
    try:
        problem = health.verdict(visitor.request(params["https_port"], params["domain"], path), path)
    except OSError as error:
        problem = f"{path} does not answer through Nginx: {error}"
    if not problem:
        return []
    return [f"{params['domain']}: {problem}. Run landfall.django.deploy, which points Nginx at what runs."]


def is_under_way(path: Path) -> bool:
    """Whether a release is at work on the host now."""
    if not path.exists():
        return False
    with lock.opened(path) as file:
        return not lock.locked(file)


def lacks_room(params: dict[str, Any], root: str) -> list[str]:
    """What there is too little room for."""
    files = f"{params['front_root']}/sites/{params['stack']}" if params["front_root"] else f"{root}/public"
    media, maximum = Path(files) / "media", params["media_maximum_mib"]
    docker_root = docker("info", "--format", "{{.DockerRootDir}}").strip()
    found = (str(media), storage.size(media) if maximum else 0)
    rooms = storage.rooms([root, str(media), docker_root])
    return storage.problems(rooms, params["disk_free_minimum_mib"], found, maximum)


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
    except DockerError as error:
        module.fail_json(msg=str(error))
    root = projects[0][1]
    try:
        records = ledger.Ledger(root).read()
    except ValueError as error:
        module.fail_json(msg=str(error))
    under_way = is_under_way(Path(root) / ".lock")
    lines: list[str] = []
    if front_root and module.params["domain"]:
        lines, faults = certificate(module.params)
        problems += [*faults, *answer(module.params, ledger.serving(records))]
    module.exit_json(
        changed=False,
        table=services.table(shown),
        services=shown,
        releases=services.table(report.rows(records, under_way), report.COLUMNS) if records else [],
        certificate=lines,
        problems=problems + report.problems(records, under_way),
    )


if __name__ == "__main__":
    main()
