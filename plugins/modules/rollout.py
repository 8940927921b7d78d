#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: rollout
short_description: Bring a new release of a stack into service beside the old one
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Compares the running containers of a Compose project with its C(compose.yaml) and an image, and replaces what
    differs.
  - New containers of the traffic-taking service start beside the old ones, are asked for their health from outside with
    the site's own host name, then Nginx is pointed at them, the old Nginx workers drain, and the old containers stop.
    Other processes follow in the order given, each stopped warmly and gone before its successor starts.
  - What fails before Nginx is pointed elsewhere removes what it started; what fails right after points it back. The
    message holds the last 50 lines of the log.
attributes:
  check_mode:
    description: Says in RV(plan) what would be started and stopped, and changes nothing.
    support: full
  diff_mode:
    description: RV(plan) says the same.
    support: none
options:
  project_src:
    description: Folder of the stack's C(compose.yaml) and C(.env).
    type: path
    required: true
  project_name:
    description: The Compose project's name.
    type: str
    required: true
  image:
    description: The release's image; recorded in the ledger.
    type: str
    required: true
  image_id:
    description: The image's id. A container of another image is replaced.
    type: str
    required: true
  revision:
    description: The project's revision, recorded in the ledger.
    type: str
    default: ""
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
  ledger:
    description: File with the list of releases.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Bring the release into service
  landfall.django.rollout:
    project_src: /srv/shop
    project_name: shop
    image: shop:3f9c2ab41d07
    image_id: sha256:3f9c2ab41d07...
    processes: [celery, celery-beat]
    host: shop.example.com
    front_root: /srv/nginx
    front_network: shop_front
    ledger: /srv/shop/releases.json
"""

RETURN = r"""
pending:
  description: Whether there is anything to replace. In check mode, whether there would be.
  type: bool
  returned: always
plan:
  description: One line for each container that is started or stopped.
  type: list
  elements: str
  returned: always
steps:
  description: What happened, in order, and how many seconds each step took.
  type: list
  elements: dict
  returned: when not in check mode
  sample: [{"step": "start the new web", "seconds": 0.8}]
"""

import getpass
from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _ledger
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError
from ansible_collections.landfall.django.plugins.module_utils._switch import Rollout, RolloutError, Site


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "image": {"type": "str", "required": True},
            "image_id": {"type": "str", "required": True},
            "revision": {"type": "str", "default": ""},
            "web": {"type": "str", "default": "web"},
            "replicas": {"type": "int", "default": 1},
            "processes": {"type": "list", "elements": "str", "default": []},
            "port": {"type": "int", "default": 8000},
            "host": {"type": "str", "default": "localhost"},
            "health_path": {"type": "str", "default": "/health/"},
            "health_timeout": {"type": "int", "default": 60},
            "drain_timeout": {"type": "int", "default": 60},
            "front_root": {"type": "str", "default": ""},
            "front_network": {"type": "str", "required": True},
            "front_port": {"type": "int", "default": 443},
            "ledger": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    site = Site(
        name=given["project_name"],
        processes=tuple(given["processes"]),
        **{key: given[key] for key in Site.__dataclass_fields__ if key not in ("name", "processes")},
    )
    try:
        rollout = Rollout(site)
        if module.check_mode or not rollout.pending:
            module.exit_json(changed=rollout.pending, pending=rollout.pending, plan=rollout.plan.lines(), steps=[])
        rollout.run()
        release = {
            "image": given["image"],
            "image_id": given["image_id"],
            "revision": given["revision"],
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "by": getpass.getuser(),
            "steps": rollout.steps,
        }
        _ledger.append(Path(given["ledger"]), release)
    except (DockerError, RolloutError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, pending=True, plan=rollout.plan.lines(), steps=rollout.steps)


if __name__ == "__main__":
    main()
