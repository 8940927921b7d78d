#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
short_description: Rotate a stack's secrets in its servers without interrupting the project
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - With O(state=begun), the database and Redis accept the new passwords beside the old ones, and the files of
    M(landfall.django.secret_store) hold the new ones. The caller then releases the project with them.
  - With O(state=finished), the servers refuse the old passwords, and the settings of kept releases are updated.
  - An interrupted rotation continues where it stopped. Both passwords are valid until it is finished.
  - With O(state=given_up), the rotation goes back. The files hold the old values again. After the caller has released
    the project and the rotation is finished, the servers refuse the new passwords.
  - Only secrets of services that the stack has are rotated.
  - The former secret key stays as a fallback, so that what was signed with it stays valid.
extends_documentation_fragment:
  - landfall.django._attributes
  - landfall.django._attributes.no_diff
  - landfall.django._project
  - landfall.django._project.name
  - landfall.django._project.owners
attributes:
  check_mode:
    support: full
options:
  state:
    description: The step to do.
    type: str
    choices: [begun, given_up, finished]
    required: true
  secrets:
    description: The secrets to rotate, named by their variables.
    type: list
    elements: str
    choices: [stack_secret_key, stack_database_password, stack_database_root_password, stack_redis_password]
    default: []
  given:
    description: New values by the same names. For an empty one, a random secret is generated.
    type: dict
    default: {}
  database_host:
    description: Host of the project's database. On another host than the stack's V(db), the user changes the password,
      and it is rotated here only where O(given) has it.
    type: str
    default: db
  fallback:
    description: Whether what was signed with the former secret key stays valid until the next rotation.
    type: bool
    default: true
seealso:
  - module: landfall.django.secret_store
"""

EXAMPLES = r"""
- name: Make the servers accept new passwords
  landfall.django.secret_rotation:
    project_src: /srv/shop
    project_name: shop
    state: begun
    secrets: [stack_database_password, stack_redis_password]

- name: Make the servers refuse the old passwords
  landfall.django.secret_rotation:
    project_src: /srv/shop
    project_name: shop
    state: finished
"""

RETURN = r"""
rotated:
  description: The variables of the secrets whose rotation was begun, given up or finished.
  type: list
  elements: str
  returned: success
release:
  description: The record of the release that serves.
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE
from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, by_name
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import interrupted_restore
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import interrupted_upgrade
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import Ledger, serving
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site
from ansible_collections.landfall.django.plugins.module_utils._secrets.rotation import Rotation
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import OWNERS, ROTATED, Store, parse_owners


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.PROJECT,
            **_options.NAME,
            **_options.OWNERS,
            "state": {"type": "str", "choices": ["begun", "given_up", "finished"], "required": True},
            "secrets": {"type": "list", "elements": "str", "choices": list(ROTATED), "default": [], "no_log": False},
            "given": {"type": "dict", "default": {}, "no_log": True},
            "fallback": {"type": "bool", "default": True},
            "database_host": {"type": "str", "default": "db"},
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
    if why := interrupted_restore(root) or interrupted_upgrade(root):
        module.fail_json(msg=why)
    store = Store(root / "secrets", OWNERS)
    try:
        store.owners = volumes.owners(compose, parse_owners(given["owners"]))
        site = Site.of(last.site)
        rotation = Rotation(root, store, compose, by_name(site.database or DEFAULT), site.secret_files)
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
        module.fail_json(msg=mask_secrets(str(error), store.retiring()))
    module.exit_json(changed=bool(chosen) or ends_fallback, rotated=sorted(chosen), release=last.as_dict())


def elsewhere(host: str) -> str:
    """Return the host of a database that is not the stack's own; empty for its own."""
    return "" if host in ("", "None", SERVICE) else host


def mask_secrets(message: str, retiring: dict[str, dict[str, str]]) -> str:
    """Replace secrets in a message: a server's error may repeat its input."""
    for change in retiring.values():
        for value in (change["old"], change["new"]):
            message = message.replace(value, "***")
    return message


if __name__ == "__main__":
    main()
