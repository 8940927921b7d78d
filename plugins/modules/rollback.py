#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Roll a stack back to an earlier release
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Brings a kept release into service, with its image, settings and static files, as M(landfall.django.release) does.
    Nothing is built, pulled or migrated.
  - The database stays as it is. The module fails and names the migrations where the database has some that the earlier
    code does not know, because that code may not work with the present tables.
extends_documentation_fragment:
  - landfall.django._attributes.plan
  - landfall.django._attributes.direct
  - landfall.django._project
  - landfall.django._project.by
attributes:
  async:
    description: The play waits for the end of the release.
    support: none
options:
  release:
    description: Number of the release. By default the one before the release that serves.
    type: int
  despite_migrations:
    description: Whether to roll back although the database has migrations that the release does not know.
    type: bool
    default: false
seealso:
  - module: landfall.django.release
"""

EXAMPLES = r"""
- name: Roll back to the previous release
  landfall.django.rollback:
    project_src: /srv/shop

- name: Roll back to release 7
  landfall.django.rollback:
    project_src: /srv/shop
    release: 7
"""

RETURN = r"""
to:
  description: Number of the release that was rolled back to.
  type: int
  returned: success
plan:
  description: The containers that would be started or stopped, one per line.
  type: list
  elements: str
  returned: in check mode
release:
  description: The new record, as M(landfall.django.release) returns it.
  type: dict
  returned: when something was done
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._options import PROJECT
from ansible_collections.landfall.django.plugins.module_utils._release.go_back import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec={**SPEC, **PROJECT}, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    for warning in answer.pop("warnings", ()):
        module.warn(warning)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
