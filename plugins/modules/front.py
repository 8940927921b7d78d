#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: front
short_description: Start or update the host's Nginx without losing a request
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - The front is a Compose project of two services. C(edge) owns the ports and the networks and does nothing else.
    C(nginx) runs inside its network and process namespaces.
  - Where the image or a setting of C(nginx) has changed, a new container starts beside the former one. Both serve the
    ports until the former one has ended its requests and is removed.
  - Where C(edge) has changed, it is recreated. The ports are closed for some seconds meanwhile. Its networks are
    connected again.
extends_documentation_fragment:
  - landfall.django._attributes
  - landfall.django._attributes.no_diff
  - landfall.django._attributes.direct
attributes:
  check_mode:
    support: none
options:
  root:
    description: Folder of the front's C(compose.yaml).
    type: path
    default: /srv/nginx
  edge_image:
    description: Image of C(edge). Where it does not exist, O(edge_image_from) is tagged with this name.
    type: str
    required: true
  edge_image_from:
    description: An image that contains the command C(sleep). It is pulled where it is missing.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Start the front
  landfall.django.front:
    root: /srv/nginx
    edge_image: landfall-edge:1
    edge_image_from: nginx:1.30
"""

RETURN = r"""
done:
  description: The steps that were done.
  type: list
  elements: str
  returned: success
  sample: [start a new Nginx, stop the former Nginx]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._front.start import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec={**SPEC, "root": {"type": "path", "default": "/srv/nginx"}})
    answer = result(module.params, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
