# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: new_migrations
short_description: Return the migrations among the new files of a source
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Reads the output of M(ansible.posix.synchronize) or, in diff mode, of M(ansible.builtin.git), and returns the Django
    migrations among the new files.
options:
  _input:
    description: The itemized list of rsync, or a git diff.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the migrations that come with the source
  ansible.builtin.debug:
    msg: "{{ copied.msg | landfall.django.new_migrations }}"
"""

RETURN = r"""
_value:
  description: The migrations, each with the folder of its application.
  type: list
  elements: str
  sample: [catalogue.0002_stock]
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.source import new_migrations as parsed


def new_migrations(output: str) -> list[str]:
    if not isinstance(output, str):
        raise AnsibleFilterError(f"landfall.django.new_migrations needs a string, not {type(output).__name__}")
    return parsed(output)


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], list[str]]]:
        return {"new_migrations": new_migrations}
