#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_store
short_description: Keep a stack's secrets, and make those that nobody gave
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Reads the secrets that an earlier run wrote into a dotenv file, takes those that the caller gives, and makes the
    rest from the operating system's random source.
  - The task needs C(no_log), because its result holds the secrets.
  - Writes nothing. The caller's template puts the values into the same file, where the next run finds them.
attributes:
  check_mode:
    description: The module changes nothing; in check mode too it returns the values that a run would use.
    support: full
  diff_mode:
    description: Nothing is ever shown.
    support: none
options:
  path:
    description: The dotenv file, as written by the filter P(landfall.django.dotenv#filter). It need not exist.
    type: path
    required: true
  given:
    description:
      - Every secret by its name in the file. An empty value means that the present one is kept or a new one made
        (64 characters out of C([A-Za-z0-9_-])).
    type: dict
    required: true
  fixed:
    description:
      - Names of secrets that a data volume keeps too. Once O(path) exists they must not be missing or different,
        since changing them there would lock the stack out of its own data.
    type: list
    elements: str
    default: []
  volume:
    description:
      - Docker volume that keeps the O(fixed) secrets. Where it exists and O(path) does not, they count as missing from
        the file, since new ones would not open it.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Settle the stack's secrets
  landfall.django.secret_store:
    path: /srv/shop/.env
    given:
      SECRET_KEY: ""
      MYSQL_PASSWORD: "{{ vault_database_password }}"
    fixed: [MYSQL_PASSWORD]
  no_log: true
  register: stack_made
"""

RETURN = r"""
secrets:
  description: The secrets by name. Register it under C(no_log).
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._dotenv import load
from ansible_collections.landfall.django.plugins.module_utils._secret_store import settle


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "given": {"type": "dict", "required": True},
            "fixed": {"type": "list", "elements": "str", "default": []},
            "volume": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        kept = load(path.read_bytes().decode()) if path.exists() else _nothing_kept(module.params["volume"])
        values = settle(module.params["given"], kept, module.params["fixed"])
    except (OSError, UnicodeDecodeError, ValueError, DockerError) as error:
        module.fail_json(msg=f"{path}: {error}")
    module.exit_json(changed=False, secrets=values)


def _nothing_kept(volume: str) -> dict[str, str] | None:
    """Tell a first run from one after the file was lost."""
    if volume and docker("volume", "ls", "--quiet", "--filter", f"name=^{volume}$").strip():
        return {}
    return None


if __name__ == "__main__":
    main()
