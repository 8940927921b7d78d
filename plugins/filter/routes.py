# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: routes
short_description: Return the routes of a stack without their passwords
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns what Nginx sends to other processes than web, as M(landfall.django.release) takes it. Leaves out what is not
    complete, which the preflight names.
options:
  _input:
    description: Names and dictionaries, as in O(landfall.django.stack#role:main:stack_routes).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the host names of routes
  ansible.builtin.debug:
    msg: "{{ stack_routes | landfall.django.routes | map(attribute='domain') | select | list }}"
"""

RETURN = r"""
_value:
  description: For each route its C(name), C(process), C(port), C(path), C(domain), and whether it has passwords of its
    own (C(guarded)).
  type: list
  elements: dict
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._front.routes import routes as parsed


def routes(given: Any) -> list[dict[str, Any]]:
    return [asdict(route) for route in parsed(given)]


class FilterModule:
    def filters(self) -> dict[str, Callable[[Any], list[dict[str, Any]]]]:
        return {"routes": routes}
