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
  - With O(domain), requests each route of the release that serves, and reports one that nobody answers as a problem.
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
routes:
  description: The lines of a table of the routes to other processes than web, with the status of an answer through
    Nginx. Empty where there are none.
  returned: success
  type: list
  elements: str
  sample:
    - ROUTE   URL                               PROCESS  PORT  ANSWER
    - flower  https://shop.example.com/flower/  flower   5555  401
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

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release import ledger, report
from ansible_collections.landfall.django.plugins.module_utils._status import backups, jobs, look, routes, services


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
    stack = look.Stack(**{**module.params, "root": module.params["root"] or f"/srv/{module.params['stack']}"})
    try:
        found = {name: check(stack) for name, check in look.CHECKS.items()}
        serving = ledger.serving(stack.records())
        kept = look.former_data(stack.stack)
    except (DockerError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        table=services.table(found["services"].rows),
        services=found["services"].rows,
        sizes=services.sizes(look.sizes_in_force(Path(stack.root))),
        releases=services.table(found["release"].rows, report.COLUMNS) if found["release"].rows else [],
        certificate=services.certificates(found["certificate"].rows) if found["certificate"].rows else [],
        jobs=services.table(found["jobs"].rows, jobs.COLUMNS) if found["jobs"].rows else [],
        backups=services.table(found["backups"].rows, backups.COLUMNS) if found["backups"].rows else [],
        routes=services.table(found["routes"].rows, routes.COLUMNS) if found["routes"].rows else [],
        profile=serving.profile if serving else {},
        kept=kept,
        problems=[sentence for one in found.values() for sentence in one.problems],
    )


if __name__ == "__main__":
    main()
