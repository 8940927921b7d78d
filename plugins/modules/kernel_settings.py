#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Keep settings of the kernel, now and after a reboot
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Writes a file for C(sysctl.d) and makes its settings in the running kernel, all of them in one task.
  - A container shares its kernel with others. There, only settings of the network are made, which are its own, and the
    rest is named in RV(left).
attributes:
  check_mode:
    description: Says what would change.
    support: full
  diff_mode:
    description: Shows the file.
    support: full
  platform:
    description: Linux.
    support: full
    platforms: linux
options:
  path:
    description: The file, below C(/etc/sysctl.d).
    type: path
    required: true
  settings:
    description: Values by name. Without any, the file is removed, and the kernel keeps the values until it boots.
    type: dict
    required: true
  header:
    description: First lines of the file.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Have Redis fork
  landfall.django.kernel_settings:
    path: /etc/sysctl.d/60-redis.conf
    settings:
      vm.overcommit_memory: 1
"""

RETURN = r"""
made:
  description: The settings that were made in the running kernel, or would be.
  type: list
  elements: str
  returned: success
left:
  description: The settings that were not made, because the kernel is not this host's or does not have them.
  type: list
  elements: str
  returned: success
refused:
  description: The settings that the kernel refused, each with its reason.
  type: dict
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files import tree
from ansible_collections.landfall.django.plugins.module_utils._hardening import kernel


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "settings": {"type": "dict", "required": True},
            "header": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    path, wanted = module.params["path"], module.params["settings"]
    settings = kernel.own(wanted, container=os.path.exists("/run/systemd/container"))
    content = kernel.content(settings, module.params["header"])
    entry = {"path": path, "content": content} if wanted else {"path": path, "state": "absent"}
    different = kernel.different(settings)
    refused: dict[str, str] = {}
    try:
        found = tree.changes("/", [tree.entry(entry)])
        if not module.check_mode:
            tree.apply(found)
            refused = kernel.make(different)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    left = [name for name in wanted if name not in settings] + kernel.missing(settings)
    if refused:
        said = ", ".join(f"{name} ({reason})" for name, reason in refused.items())
        module.warn(f"the kernel keeps its own value of {said}")
    if left and found:
        module.warn(f"not this host's to set, or not in its kernel: {', '.join(left)}")
    made = [name for name in different if name not in refused]
    before = [(change.before or b"").decode(errors="replace") for change in found]
    module.exit_json(
        changed=bool(found or made),
        made=made,
        left=left,
        refused=refused,
        diff=[
            {"before_header": path, "after_header": path, "before": text, "after": content if wanted else ""}
            for text in before
        ],
    )


if __name__ == "__main__":
    main()
