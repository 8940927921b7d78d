#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
short_description: Change a stack's secrets in its servers while the project goes on using the old ones
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Begun, MySQL and Redis take the new passwords beside the old ones, and the files of
    M(landfall.django.secret_store) hold the new ones. The caller then releases the project with them.
  - Finished, the servers refuse the old ones, and the settings of the releases that one may go back to are brought up
    to date.
  - A rotation that was interrupted goes on where it was; both passwords are valid until it is finished.
  - Given up, it goes back. The files hold the old values again, and once the caller has released the project and it is
    finished, the servers refuse what were to be the new ones.
  - Only secrets of services that the stack has are rotated.
  - The former secret key stays as a fallback, with which what it has signed is still believed.
attributes:
  check_mode:
    description: Says what would be rotated, and changes nothing.
    support: full
  diff_mode:
    description: Nothing is ever shown.
    support: none
options:
  project_src:
    description: Folder of the stack.
    type: path
    required: true
  project_name:
    description: Name of the stack.
    type: str
    required: true
  state:
    description: How far to go.
    type: str
    choices: [begun, given_up, finished]
    required: true
  secrets:
    description: What to rotate, by the variable that gives it.
    type: list
    elements: str
    choices: [stack_secret_key, stack_database_password, stack_database_root_password, stack_redis_password]
    default: []
  given:
    description: New values by the same names. An empty one has a new secret made.
    type: dict
    default: {}
  database_host:
    description: Where the project's database is. That of another host than the stack's V(db) is changed there, by the
      user, and its password is rotated only where O(given) has it.
    type: str
    default: db
  fallback:
    description: Whether what was signed with a former secret key is believed until the next rotation.
    type: bool
    default: true
  owners:
    description: Users of the containers C(db) and C(redis), by number, for a service that has no container yet.
    type: dict
    default: {db: 10002, redis: 10003}
seealso:
  - module: landfall.django.secret_store
"""

EXAMPLES = r"""
- name: Let the servers take new passwords
  landfall.django.secret_rotation:
    project_src: /srv/shop
    project_name: shop
    state: begun
    secrets: [stack_database_password, stack_redis_password]

- name: Let the servers refuse the old ones
  landfall.django.secret_rotation:
    project_src: /srv/shop
    project_name: shop
    state: finished
"""

RETURN = r"""
rotated:
  description: The names of the secrets that were begun or finished.
  type: list
  elements: str
  returned: success
release:
  description: The entry of the release that serves, from the stack's ledger.
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger, serving
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secrets.rotation import Rotation
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import FILES, OWNERS, Store, parse_owners


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["begun", "given_up", "finished"], "required": True},
            "secrets": {"type": "list", "elements": "str", "choices": list(FILES), "default": [], "no_log": False},
            "given": {"type": "dict", "default": {}, "no_log": True},
            "fallback": {"type": "bool", "default": True},
            "database_host": {"type": "str", "default": "db"},
            "owners": {"type": "dict", "default": OWNERS},
        },
        supports_check_mode=True,
    )
    given = module.params
    root = Path(given["project_src"])
    compose = Compose(str(root), given["project_name"])
    try:
        last = serving(Ledger(str(root)).read())
    except ValueError as error:
        module.fail_json(msg=str(error))
    if last is None:
        module.fail_json(msg=f"{root} has no release yet: deploy the stack first.")
        return
    if why := interrupted_restore(root):
        module.fail_json(msg=why)
    store = Store(root / "secrets", OWNERS)
    try:
        store.owners = volumes.owners(compose, parse_owners(given["owners"]))
        rotation = Rotation(root, store, compose)
        ends_fallback = False
        if given["state"] == "finished":
            chosen = store.retiring()
            if not module.check_mode:
                rotation.finish()
        else:
            if given["state"] == "given_up":
                chosen = rotation.given_up(given["given"])
            else:
                chosen = rotation.chosen(given["secrets"], given["given"], elsewhere(given["database_host"]))
                ends_fallback = bool(store.fallbacks()) and not given["fallback"]
            if not module.check_mode:
                rotation.begin(chosen, given["fallback"] or given["state"] == "given_up")
    except (DockerError, ReleaseError, OSError, ValueError) as error:
        module.fail_json(msg=hidden(str(error), store.retiring()))
    module.exit_json(changed=bool(chosen) or ends_fallback, rotated=sorted(chosen), release=last.as_dict())


def elsewhere(host: str) -> str:
    """The host of a database that is not the stack's own."""
    return "" if host in ("", "None", "db") else host


def hidden(said: str, retiring: dict[str, dict[str, str]]) -> str:
    """A message without the secrets: a server may repeat what it was told."""
    for change in retiring.values():
        for value in change.values():
            said = said.replace(value, "***")
    return said


if __name__ == "__main__":
    main()
