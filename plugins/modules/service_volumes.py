#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: service_volumes
short_description: Change the owner of volumes and secrets to the user of their container
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Creates the containers of Compose services without starting them. Then it changes the owner of each container's
    volumes, and of the folder that it mounts at C(/run/secrets), to the container's numeric user. Volumes that another
    container mounts as well are left as they are.
  - A running container that is up to date is left alone, and so are its volumes.
  - Links in a volume are not followed.
extends_documentation_fragment:
  - landfall.django._attributes
  - landfall.django._attributes.no_diff
  - landfall.django._project
  - landfall.django._project.name
attributes:
  check_mode:
    support: partial
    details: Reports no change, because the containers do not exist yet. The task that starts the services reports it.
options:
  services:
    description: Names of the services.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Change the owner of the data services' volumes
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
from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.PROJECT,
            **_options.NAME,
            "services": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False, paths=[])
    try:
        paths = volumes.prepare(Compose(given["project_src"], given["project_name"]), given["services"])
    except (DockerError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(paths), paths=paths)


if __name__ == "__main__":
    main()
