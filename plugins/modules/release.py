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
  - Compares the running containers of a Compose project with an image and with the C(compose.yaml) and C(.env) in
    O(project_src)C(/next), and replaces those that differ. If none do, nothing changes.
  - First, the new image is checked in one container. It runs the project's own checks and collects its static files.
    Pending migrations then run, after a dump of the database.
  - Where the image of C(db) is of another series than its data, the project is stopped before that, and the data is
    dumped and loaded into the new server. The former data is kept. A downgrade is refused.
  - Then new containers of O(web) start beside the old ones. When each answers the health path under the site's own host
    name, Nginx is switched to them. New workers start beside the old ones. Any other process is stopped before its
    successor starts, unless it has one of the O(routes).
  - The old containers are stopped only when all of that is healthy. They finish their requests and tasks first. A
    failure until then is undone, and the message has the last 50 lines of the log. A failure after that is a warning.
  - Every attempt has a folder C(releases/<number>) from its first second. Its record says what is about to happen, and
    at the end what happened. The files in O(project_src) are always those of the release that serves.
  - Only one release of a stack runs at a time. A second one fails and names the holder of the lock.
extends_documentation_fragment:
  - landfall.django._attributes.plan
  - landfall.django._attributes.direct
  - landfall.django._project.name
  - landfall.django._project.by
  - landfall.django._project.front
  - landfall.django._project.manage
attributes:
  async:
    description: The play waits for the end of the release.
    support: none
options:
  project_src:
    description: Folder of the stack, with the release's C(compose.yaml) and C(.env) in its folder C(next).
    type: path
    required: true
  image:
    description: The release's image, under a name that no other stack uses. It is removed with the release.
    type: str
    required: true
  image_id:
    description: The image's id. A container of another image is replaced.
    type: str
    required: true
  pulled:
    description: The name under which the image was pulled. Empty if it was built.
    type: str
    default: ""
  revision:
    description: The project's revision, for the ledger.
    type: str
    default: ""
  stale:
    description: For check mode. Whether the image or the settings would change before the release.
    type: bool
    default: false
  source_changed:
    description: For check mode. Whether an image would be built from a source that is not on the host yet.
    type: bool
    default: false
  migrations:
    description: For check mode. The migrations that this source would add.
    type: list
    elements: str
    default: []
  database:
    description: Kind of the stack's database.
    type: str
    default: mysql
  database_image:
    description: For check mode. Image of the stack's own database server. Empty if it has none.
    type: str
    default: ""
  database_external:
    description: Whether the database's server is outside the stack. The project's user is then the only login.
    type: bool
    default: false
  database_extensions:
    description: Extensions of PostgreSQL to install in the project's database.
    type: list
    elements: str
    default: []
  database_import:
    description:
      - A dump on the host, made by the dump program of O(database) at an existing site. The first release loads it into
        the empty database before the checks. It is not needed again after that.
      - It is refused if a release serves already, or if the database has tables.
    type: path
  web:
    description: The service that takes traffic.
    type: str
    default: web
  replicas:
    description: Number of containers of O(web).
    type: int
    default: 1
  processes:
    description: Other services that run the image, in the order in which they are replaced. One that has several
      containers is listed once for each.
    type: list
    elements: str
    default: []
  workers:
    description: Those of O(processes) that are Celery workers under this collection's C(celery_heartbeat.py). Their
      successors start beside them.
    type: list
    elements: str
    default: []
  port:
    description: Port on which O(web) listens.
    type: int
    default: 8000
  host:
    description: Host name of the health requests.
    type: str
    default: localhost
  health_path:
    description: Path that answers 200 when the project is healthy.
    type: str
    default: /health/
  health_timeout:
    description: Seconds for a new container to become healthy.
    type: int
    default: 60
  drain_timeout:
    description: Seconds to wait for requests in flight before the old containers are stopped.
    type: int
    default: 60
  stop_timeout:
    description: Longest time in seconds that a container may take to stop. An old worker has its own
      C(stop_grace_period) to finish its tasks. Unfinished ones are queued again and reported.
    type: int
    default: 300
  front_port:
    description: The front's HTTPS port on this host.
    type: int
    default: 443
  migrate_command:
    description: Command of the Compose service C(migrate). Empty if the project has no migrations.
    type: str
    default: python3 manage.py migrate --noinput
  migration_dump:
    description: Whether to dump the stack's database before pending migrations run. If true, they are refused if the
      project uses another database, which this module cannot dump.
    type: bool
    default: true
  migration_policy:
    description:
      - What to do about pending migrations that break the code in service, for example one that drops a column, or that
        lock a table for long.
      - V(warn) runs them and says so. V(safe) refuses them before the dump.
    type: str
    choices: [warn, safe]
    default: warn
  despite_migrations:
    description: Whether to run pending migrations that O(migration_policy=safe) refuses. The release's record keeps it.
    type: bool
    default: false
  before_migrate:
    description: Commands of the project that run in containers of the new image before its migrations. One that fails
      stops the release.
    type: list
    elements: str
    default: []
  after_migrate:
    description: The same after the migrations, before the new image takes traffic.
    type: list
    elements: str
    default: []
  after_switch:
    description: The same once the release serves. One that fails is a warning.
    type: list
    elements: str
    default: []
  profile:
    description: What M(landfall.django.project_profile) returned. It goes into the release's record.
    type: dict
    default: {}
  check_level:
    description: Message level at which Django's C(check --deploy) stops the release, such as V(ERROR). Empty to skip
      the checks.
    type: str
    default: ERROR
  static_release:
    description: Folder below O(project_src)C(/static) for the release's static files. Empty if none are collected.
    type: str
    default: ""
  static_in_image:
    description: Whether the image has static files of its own. The service C(image-static) copies them to those of the
      release before others are collected.
    type: bool
    default: false
  static_dest:
    description: Folder of the static files that are served.
    type: str
    default: ""
  static_url:
    description: Path of the URLs at which Nginx serves them. Empty if it does not.
    type: str
    default: /static/
  static_elsewhere:
    description: Whether static files are collected without O(static_release), because the project's storage has them
      elsewhere.
    type: bool
    default: false
  media_url:
    description: Path of the URLs at which Nginx serves uploads. Empty if it does not.
    type: str
    default: /media/
  routes:
    description: What Nginx sends to others of O(processes) than O(web), as the filter P(landfall.django.routes#filter)
      returns it. Their new containers start beside the old ones, and take traffic once something listens on the port.
    type: list
    elements: dict
    default: []
  secret_files:
    description: Folder below O(project_src)C(/secrets/files) that the project's containers mount. Empty for none.
    type: str
    default: ""
  releases_kept:
    description: Number of releases to keep, including the one that serves.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Roll out the release
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
  description: Whether there was anything to do; in check mode, whether there would be.
  type: bool
  returned: always
plan:
  description: The image that would be built, the migrations and their risks, the upgrade of the database, and the
    containers that would be started or stopped, one per line.
  type: list
  elements: str
  returned: in check mode
release:
  description: The release's record, with its number, options, migrations, the prober's view of the switch, and the
    seconds of each step.
  type: dict
  returned: when something was done
  sample:
    release: 7
    state: serving
    migrations: [catalogue.0003_stock]
    proof: {"requests": 213, "failures": 0, "p50_ms": 6.1, "p99_ms": 12.4}
    seconds: 6.3
    steps: [{"step": "switch Nginx", "seconds": 0.3}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._release.deploy import PATHS, SPEC, result


def main() -> None:
    paths = {name: {**SPEC[name], "type": "path"} for name in PATHS}
    module = AnsibleModule(argument_spec={**SPEC, **paths}, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    for warning in answer.pop("warnings", ()):
        module.warn(warning)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
