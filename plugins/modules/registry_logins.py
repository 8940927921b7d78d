#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: registry_logins
short_description: Keep root's logins to image registries
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Writes logins into docker's C(config.json), beside what else is there, with mode 0600 in a folder of 0700.
  - No registry is asked, so a wrong password shows at the first pull. No password is on a command line or in the
    journal.
attributes:
  check_mode:
    description: Says whether the file would change.
    support: full
  diff_mode:
    description: Nothing is shown, since the file holds passwords.
    support: none
options:
  logins:
    description: The logins. Other logins in the file stay; C(docker logout) removes them.
    type: list
    elements: dict
    required: true
    suboptions:
      registry:
        description: Host and, where it is not 443, port, such as V(registry.example.com:5000). V(docker.io) is Docker
          Hub.
        type: str
        required: true
      username:
        description: The user.
        type: str
        required: true
      password:
        description: The password or token.
        type: str
        required: true
  path:
    description: The file.
    type: path
    default: /root/.docker/config.json
"""

EXAMPLES = r"""
- name: Let root pull the project's image
  landfall.django.registry_logins:
    logins:
      - registry: registry.example.com
        username: deploy
        password: "{{ vault_registry_password }}"
"""

RETURN = r"""
registries:
  description: The names that the logins are kept by.
  type: list
  elements: str
  returned: success
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker import registry
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._secrets.hidden import parts


def read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    config = json.loads(path.read_text() or "{}")
    if not isinstance(config, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - a broken file, as JSONDecodeError is
    return config


def is_private(path: Path) -> bool:
    return all(
        place.exists() and place.stat().st_uid == os.geteuid() and not stat.S_IMODE(place.stat().st_mode) & 0o077
        for place in (path, path.parent)
    )


def write(path: Path, config: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    replace(path, json.dumps(config, indent=2).encode(), 0o600)


def main() -> None:
    login = {
        "registry": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    }
    module = AnsibleModule(
        argument_spec={
            "logins": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": login},
            "path": {"type": "path", "default": "/root/.docker/config.json"},
        },
        supports_check_mode=True,
    )
    path, logins = Path(module.params["path"]), parts(module, "logins", "password")
    try:
        before = read(path)
        after = registry.with_logins(before, logins)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"docker_registry_logins: {path} could not be updated: {error}.")
    changed = before != after or not is_private(path)
    if changed and not module.check_mode:
        write(path, after)
    module.exit_json(changed=changed, registries=[registry.key(one["registry"]) for one in logins])


if __name__ == "__main__":
    main()
