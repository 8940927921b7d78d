#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: front
short_description: Have the host's Nginx run as its compose.yaml says, replaced without losing a request
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - The front is a Compose project of two services. C(edge) owns the ports and the networks and does nothing else,
    C(nginx) runs inside its network and process namespaces.
  - A changed Nginx, be it another image or another setting of its container, starts beside the former one and takes the
    ports with it; then the former one ends its requests and goes.
  - A changed C(edge) cannot be replaced beside itself. The ports are closed for the seconds that takes; the networks
    that it was connected to are connected again.
attributes:
  check_mode:
    description: Not supported. The module is skipped.
    support: none
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  root:
    description: Folder of the front's C(compose.yaml).
    type: path
    default: /srv/nginx
  edge_image:
    description: Name of the image of C(edge). Where there is none of this name, O(edge_image_from) gets it.
    type: str
    required: true
  edge_image_from:
    description: An image that has a C(sleep).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Have the front run
  landfall.django.front:
    root: /srv/nginx
    edge_image: landfall-edge:1
    edge_image_from: nginx:1.30
"""

RETURN = r"""
done:
  description: What had to be done.
  type: list
  elements: str
  returned: success
  sample: [start a new Nginx, stop the former Nginx]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._front.up import up


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/srv/nginx"},
            "edge_image": {"type": "str", "required": True},
            "edge_image_from": {"type": "str", "required": True},
        },
    )
    name, source = module.params["edge_image"], module.params["edge_image_from"]
    try:
        if not docker("image", "ls", "--quiet", name).strip():
            if not docker("image", "ls", "--quiet", source).strip():
                docker("pull", "--quiet", source)
            docker("tag", source, name)
        done = up(Front(module.params["root"]))
    except (DockerError, HeldError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
