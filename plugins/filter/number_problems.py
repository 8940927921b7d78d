# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: number_problems
short_description: Say which numbers among the roles' variables are out of bounds
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Checks the variables of this collection's roles that are whole numbers. Any other variable is passed over.
options:
  _input:
    description: Variables by their names.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse what cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ {'letsencrypt_https_port': 70000} | landfall.django.number_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence a problem.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._preflight.numbers import problems_of


def number_problems(values: dict[str, object]) -> list[str]:
    if not isinstance(values, dict):
        raise AnsibleFilterError(f"landfall.django.number_problems needs a dictionary, not {type(values).__name__}")
    return list(problems_of(values))


class FilterModule:
    def filters(self) -> dict[str, Callable[[dict[str, object]], list[str]]]:
        return {"number_problems": number_problems}
