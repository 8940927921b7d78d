#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_probe
short_description: Read the user, the working directory and the modules of a project's image
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Runs the image once, without network and without its entry point. Returns the user that it runs as, and fails where
    a module that the stack needs is missing. No project code is imported.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
  - landfall.django._attributes.direct
options:
  image:
    description: Name of the image. Where the host does not have it, nothing is returned.
    type: str
    required: true
  modules:
    description: Python modules that must exist, seen from the image's working directory, by their variables.
    type: dict
    default: {}
  python_path:
    description: The project's PYTHONPATH, where modules are searched, too.
    type: str
    default: ""
  commands:
    description: Commands of the project. Modules are searched in the folders of their scripts, and in those of options
      such as C(--chdir), too.
    type: list
    elements: str
    default: []
  user:
    description: The user that containers get instead of the image's own. Empty for the image's own, which must then not
      be the user of another service.
    type: str
    default: ""
  cache:
    description: File that keeps the answer, so that an image which is asked again needs no container. Empty keeps none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Read the image's user
  landfall.django.image_probe:
    image: shop:3f9c2ab41d07
    modules:
      stack_wsgi_application: shop.wsgi
  register: image
"""

RETURN = r"""
id:
  description: The image's id.
  type: str
  returned: where the image exists
uid:
  description: Numeric user that the image runs as.
  type: int
  returned: where the image exists
gid:
  description: Numeric group that the image runs as.
  type: int
  returned: where the image exists
homes:
  description: The home folders that exist in the image, by the number of their user.
  type: dict
  returned: where the image exists
workdir:
  description: The image's working directory.
  type: str
  returned: where the image exists
volumes:
  description: Paths that the image declares as volumes.
  type: list
  elements: str
  returned: where the image exists
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._project.ask_image import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
