# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: new_migrations
short_description: Name the migrations that a change of the source brings
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Reads what M(ansible.posix.synchronize) or, in diff mode, M(ansible.builtin.git) said of the files that it changes,
    and names the Django migrations among the new ones.
options:
  _input:
    description: The itemized list of rsync, or a diff of git.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Tell which migrations come with the source
  ansible.builtin.debug:
    msg: "{{ copied.msg | landfall.django.new_migrations }}"
"""

RETURN = r"""
_value:
  description: The migrations, each with its application's folder.
  type: list
  elements: str
  sample: [catalogue.0002_stock]
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.source import new_migrations as named


def new_migrations(said: str) -> list[str]:
    if not isinstance(said, str):
        raise AnsibleFilterError(f"landfall.django.new_migrations needs a string, not {type(said).__name__}")
    return named(said)


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], list[str]]]:
        return {"new_migrations": new_migrations}
