# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: with_swap_limits
short_description: Complete the memory limits of a Compose override
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Adds C(memswap_limit) to each service that has C(mem_limit) alone, by P(landfall.django.swap_limit#filter).
options:
  _input:
    description: What overrides a Compose file, as in the variable V(stack_compose_override).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the override
  ansible.builtin.debug:
    msg: "{{ {'services': {'web': {'mem_limit': '1g'}}} | landfall.django.with_swap_limits }}"
"""

RETURN = r"""
_value:
  description: The completed override. It always has C(services).
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import complete


class FilterModule:
    def filters(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"with_swap_limits": complete}
