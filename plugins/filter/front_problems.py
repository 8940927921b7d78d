# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: front_problems
short_description: Say what is wrong with the variables of the role nginx
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Checks the variables of P(landfall.django.nginx#role) that Nginx or Docker would refuse with words of their own, or
    take for something else.
options:
  _input:
    description: Variables by their names, and what P(landfall.django.host_probe#module) tells of their host's
      C(accounts).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse what cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ {'nginx_trusted_proxies': ['10.0.0.0/33']} | landfall.django.front_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence a problem.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._preflight.front import account_problems, problems_of
from ansible_collections.landfall.django.plugins.module_utils._preflight.numbers import problems_of as out_of_bounds


def front_problems(values: dict[str, Any]) -> list[str]:
    if not isinstance(values, dict):
        raise AnsibleFilterError(f"landfall.django.front_problems needs a dictionary, not {type(values).__name__}")
    accounts = account_problems(str(values.get("nginx_user")), values.get("accounts") or ())
    return [*problems_of(values), *out_of_bounds(values, "nginx_"), *accounts]


class FilterModule:
    def filters(self) -> dict[str, Callable[[dict[str, Any]], list[str]]]:
        return {"front_problems": front_problems}
