#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: service_volumes
short_description: Hand data and secrets over to the users that services run as
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Creates the containers of Compose services without starting them. Then it gives what they mount to the numeric user
    of each, as far as no other container mounts it. That is volumes, and the folder at C(/run/secrets).
  - A container that runs, and is as C(compose.yaml) has it, is left alone with its volumes.
  - No link in a volume is followed.
attributes:
  check_mode:
    description: Says nothing of what a run would do, since the containers are not there yet.
    details: The task that starts the services tells whether there are any to start.
    support: partial
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  project_src:
    description: Folder with C(compose.yaml).
    type: path
    required: true
  project_name:
    description: The Compose project's name.
    type: str
    required: true
  services:
    description: The services.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Let the data services write to their volumes
  landfall.django.service_volumes:
    project_src: /srv/shop
    project_name: shop
    services: [db, redis]
"""

RETURN = r"""
paths:
  description: The folders of the host whose owner changed.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _volumes
from ansible_collections.landfall.django.plugins.module_utils._compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "services": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False, paths=[])
    try:
        paths = _volumes.prepare(Compose(given["project_src"], given["project_name"]), given["services"])
    except (DockerError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(paths), paths=paths)


if __name__ == "__main__":
    main()
