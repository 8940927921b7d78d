#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_store
short_description: Write a stack's secrets to files, and generate missing ones
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Takes the secrets in O(given), else those that an earlier run wrote, else generates them from the operating system's
    random source. Writes each to its own file below O(path).
  - Only root can enter the folder. The secrets of the database and of Redis each have a folder in it, which their
    container mounts and can read. Redis's folder also has the list of users, with digests of the passwords only, and
    the password of the user who can reload that list.
  - The task needs C(no_log), because its result holds the secrets.
extends_documentation_fragment:
  - landfall.django._attributes
  - landfall.django._attributes.no_diff
  - landfall.django._attributes.direct
  - landfall.django._project.owners
attributes:
  check_mode:
    support: full
    details: Returns the values that a run would use.
options:
  path:
    description: Folder of the secrets. It is created where it is missing.
    type: path
    required: true
  given:
    description:
      - The secrets by their variables V(stack_secret_key), V(stack_database_user), V(stack_database_password),
        V(stack_database_root_password) and V(stack_redis_password). For an empty value the present secret is kept, or
        one is generated (64 characters of C([A-Za-z0-9_-])).
      - The module fails where a password differs from the one that its server knows, or where that one is missing in
        O(path). M(landfall.django.secret_rotation) changes it.
    type: dict
    required: true
  database_user:
    description: Database user of a new stack, if O(given) has no V(stack_database_user).
    type: str
    default: ""
  project_name:
    description:
      - Compose project of the stack. The module fails where its volume C(db-data) exists but O(path) does not, because
        the server would not accept newly generated passwords.
    type: str
    default: ""
seealso:
  - module: landfall.django.secret_rotation
"""

EXAMPLES = r"""
- name: Write the stack's secrets
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
  description: The secrets by the names in O(given), and the list V(stack_secret_key_fallbacks). Use C(no_log) in the
    task that registers it.
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._secrets.settle import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec={**SPEC, "path": {"type": "path", "required": True}}, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
