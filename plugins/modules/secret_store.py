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
  - Takes the secrets that the caller gives, keeps those that an earlier run has written, makes the rest from the
    operating system's random source, and writes each into a file of its own below O(path).
  - The folder is for root only. In it, those of the database and of Redis have a folder of their own, which their
    container mounts and can read. Redis's is accompanied by its list of users, which has digests only, and by the
    password of the user who may have Redis read that list again.
  - The task needs C(no_log), because its result holds the secrets.
attributes:
  check_mode:
    description: The module writes nothing; it returns the values that a run would use.
    support: full
  diff_mode:
    description: Nothing is ever shown.
    support: none
options:
  path:
    description: The folder. It need not exist.
    type: path
    required: true
  given:
    description:
      - The secrets by the variable that gives them, V(stack_secret_key), V(stack_database_password),
        V(stack_database_root_password) and V(stack_redis_password). An empty value means that the present one is kept
        or a new one made (64 characters out of C([A-Za-z0-9_-])).
      - Passwords that a server knows already cannot be different, nor missing from O(path), since the server would not
        follow. M(landfall.django.secret_rotation) changes them.
    type: dict
    required: true
  owners:
    description:
      - Users of the containers C(db) and C(redis), by number, who are to read their secrets.
      - A container that is there goes on reading them until the release replaces it and hands them over.
    type: dict
    default: {db: 10002, redis: 10003}
  project_name:
    description:
      - Compose project of the stack. Where its volume C(db-data) exists and O(path) does not, the secrets count as
        lost, since new ones would not open it.
    type: str
    default: ""
seealso:
  - module: landfall.django.secret_rotation
"""

EXAMPLES = r"""
- name: Settle the stack's secrets
  landfall.django.secret_store:
    path: /srv/shop/secrets
    given:
      stack_secret_key: ""
      stack_database_password: "{{ vault_database_password }}"
    project_name: shop
  no_log: true
  register: stack_made
"""

RETURN = r"""
secrets:
  description: The secrets by the name in O(given), and V(stack_secret_key_fallbacks), a list. Register it under
    C(no_log).
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    FILES,
    OWNERS,
    Store,
    parse_owners,
    resolve,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "given": {"type": "dict", "required": True},
            "owners": {"type": "dict", "default": OWNERS},
            "project_name": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params["given"]
    if unknown := sorted(set(given) - set(FILES)):
        module.fail_json(msg=f"given: there is no secret {', '.join(unknown)}; there are: {', '.join(FILES)}.")
    name = module.params["project_name"]
    store = Store(Path(module.params["path"]), OWNERS)
    try:
        wanted = parse_owners(module.params["owners"])
        store.owners = volumes.owners(Compose(str(store.folder.parent), name), wanted) if name else wanted
        kept = store.read() or _nothing_kept(name)
        values = resolve(given, kept)
        changed = [] if module.check_mode else store.write(values)
        module.exit_json(changed=bool(changed), secrets={**values, "stack_secret_key_fallbacks": store.fallbacks()})
    except (OSError, ValueError, DockerError) as error:
        module.fail_json(msg=f"{store.folder}: {error}")


def _nothing_kept(project: str) -> dict[str, str] | None:
    """Tell a first run from one after the folder was lost."""
    if project and docker("volume", "ls", "--quiet", "--filter", f"name=^{project}_db-data$").strip():
        return {}
    return None


if __name__ == "__main__":
    main()
