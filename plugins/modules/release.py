#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Bring a new release of a stack into service beside the old one
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Compares the running containers of a Compose project with the C(compose.yaml) and C(.env) in O(project_src)C(/next)
    and with an image, and replaces what differs. Where nothing does, it changes nothing.
  - First the new image is let through. Its own checks run, its static files are collected beside those of the releases
    before it, and pending migrations run, after a dump of the database.
  - Then new containers of the traffic-taking service start beside the old ones, are asked for their health with the
    site's own host name, and Nginx is pointed at them. New workers start beside the old ones. Of any other process the
    old one is gone before its successor starts.
  - Only when all of that is healthy do the old ones go. Requests in flight and running tasks end before. What fails
    until then is undone, and the message holds the last 50 lines of the log. What goes wrong after that is a warning.
  - An attempt has a folder C(releases/<number>) from its first second. Its record says what is about to be done, and in
    the end how it went. What Compose finds in O(project_src) is always of the release that serves.
  - One release of a stack at a time. A second one is refused, and told who holds the lock.
attributes:
  check_mode:
    description: Says in RV(plan) what would be built, migrated, started and stopped, and changes nothing.
    support: full
  diff_mode:
    description: In check mode, shows RV(plan).
    support: partial
options:
  project_src:
    description: Folder of the stack, with the release's C(compose.yaml) and C(.env) in its folder C(next).
    type: path
    required: true
  project_name:
    description: The Compose project's name.
    type: str
    required: true
  by:
    description: Who brings the release, for the ledger and the lock.
    type: str
    default: ""
  image:
    description: The release's image, by a name that no other stack uses; removed when the release is no longer kept.
    type: str
    required: true
  image_id:
    description: The image's id. A container of another image is replaced.
    type: str
    required: true
  pulled:
    description: The name that the image was pulled by, if it was.
    type: str
    default: ""
  revision:
    description: The project's revision, recorded in the ledger.
    type: str
    default: ""
  stale:
    description: For check mode. Whether image or settings would differ from those there are by now.
    type: bool
    default: false
  source_changed:
    description: For check mode. Whether an image would be built of a source that is not on the host yet.
    type: bool
    default: false
  migrations:
    description: For check mode. The migrations that would come with that source.
    type: list
    elements: str
    default: []
  web:
    description: Service that takes traffic.
    type: str
    default: web
  replicas:
    description: Containers of O(web).
    type: int
    default: 1
  processes:
    description: Services that run the image beside O(web), in the order of their replacement.
    type: list
    elements: str
    default: []
  workers:
    description: Those of O(processes) that are Celery workers run by this collection's C(celery_heartbeat.py), whose
      successors may start beside them.
    type: list
    elements: str
    default: []
  port:
    description: Port that O(web) listens on.
    type: int
    default: 8000
  host:
    description: Host name that health is asked for with.
    type: str
    default: localhost
  health_path:
    description: Path that answers 200 when the project is healthy.
    type: str
    default: /health/
  health_timeout:
    description: Seconds that a new container has to become healthy.
    type: int
    default: 60
  drain_timeout:
    description: Seconds to wait for requests in flight before the old containers are stopped.
    type: int
    default: 60
  stop_timeout:
    description: Seconds that an old worker has to end its tasks. What it has not ended by then is queued again and
      reported.
    type: int
    default: 300
  front_root:
    description: Folder of the front's files, as made by the role P(landfall.django.nginx#role). Empty for none.
    type: str
    default: ""
  front_network:
    description: Network on which the front reaches O(web).
    type: str
    required: true
  front_port:
    description: The front's HTTPS port on this host.
    type: int
    default: 443
  manage_command:
    description: How Django's commands are run in the image. Empty where there are none.
    type: str
    default: python3 manage.py
  migrate_command:
    description: The command of the Compose service C(migrate). Empty for none.
    type: str
    default: python3 manage.py migrate --noinput
  migration_dump:
    description: Whether the stack's database is dumped before pending migrations run. Where it is, they are refused if
      the project uses another database, which this module cannot dump.
    type: bool
    default: true
  check_level:
    description: Django's message level at which C(check --deploy) stops the release, such as V(ERROR). Empty for no
      check.
    type: str
    default: ERROR
  static_release:
    description: Folder below O(project_src)C(/static) that the release's static files are collected into. Empty for
      none.
    type: str
    default: ""
  static_dest:
    description: Folder of the static files that are served.
    type: str
    default: ""
  releases_kept:
    description: Releases that one can go back to.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Bring the release into service
  landfall.django.release:
    project_src: /srv/shop
    project_name: shop
    image: shop:3f9c2ab41d07
    image_id: sha256:3f9c2ab41d07...
    processes: [celery, celery-beat]
    workers: [celery]
    host: shop.example.com
    front_root: /srv/nginx
    front_network: shop_front
"""

RETURN = r"""
pending:
  description: Whether there was anything to do. In check mode, whether there would be.
  type: bool
  returned: always
plan:
  description: One line for the image that would be built, for each migration, and for each container that would be
    started or stopped.
  type: list
  elements: str
  returned: in check mode
release:
  description: The release's record, with its number, its options, its migrations, what a visitor saw during the switch,
    and the seconds of each step.
  type: dict
  returned: when something was done
  sample:
    release: 7
    state: serving
    migrations: [catalogue.0003_stock]
    proof: {"requests": 213, "failures": 0, "p50_ms": 6.1, "p99_ms": 12.4}
    seconds: 17.3
    steps: [{"step": "switch Nginx", "seconds": 0.3}]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._options import BY, spec_of
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.hints import with_cure
from ansible_collections.landfall.django.plugins.module_utils._release.plan import preparation_lines
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **spec_of(Site, paths=["project_src"], required=["front_network"]),
            **BY,
            "stale": {"type": "bool", "default": False},
            "source_changed": {"type": "bool", "default": False},
            "migrations": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    given = module.params
    release = Release(Site.of(given), Path(given["project_src"]) / "next")
    try:
        if module.check_mode and not (release.files / "compose.yaml").exists():
            module.exit_json(changed=True, pending=True, plan=["start everything: this is the first release"])
        if module.check_mode:
            plan = release.look(stale=given["stale"])
            pending = release.pending(plan)
            migrations = [] if given["source_changed"] else release.migrations(plan)
            lines = [*preparation_lines(given["source_changed"], given["migrations"], migrations), *plan.lines()]
            shown = {"prepared": "".join(f"{line}\n" for line in lines)}
            module.exit_json(changed=pending, pending=pending, plan=lines, diff=shown)
        with interrupt.as_exceptions():
            record = release.run(given["by"] or "somebody")
    except (DockerError, ReleaseError, HeldError, OSError, ValueError) as error:
        module.fail_json(msg=with_cure(str(error)))
    if record is None:
        module.exit_json(changed=False, pending=False)
        return
    for warning in record.warnings:
        module.warn(warning)
    module.exit_json(changed=True, pending=True, release=record.as_dict())


if __name__ == "__main__":
    main()
