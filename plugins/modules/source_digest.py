#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: source_digest
short_description: Name what an image would be made of
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Computes one digest over the names, contents, links and execute bits of all files below some folders.
  - Version control (C(.git)) and byte code (C(__pycache__)) do not count, nor do times and owners, so an image tagged
    by the digest is built again only when something in it would differ.
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  paths:
    description: The folders, in this order.
    type: list
    elements: path
    required: true
  seed:
    description: Anything else that makes a difference, such as build arguments.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Name the content of the project
  landfall.django.source_digest:
    paths: [/srv/shop/source, /srv/shop/build]
    seed: "{{ stack_build_args | to_json }}"
  register: source
"""

RETURN = r"""
digest:
  description: SHA-256 in hexadecimal.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._source import digest


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "seed": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, digest=digest(module.params["paths"], module.params["seed"]))
    except OSError as error:
        module.fail_json(msg=f"the source tree cannot be read: {error}")


if __name__ == "__main__":
    main()
