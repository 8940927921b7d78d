# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: swap_limit
short_description: Return the limit of memory and swap for a memory limit
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns one and a half times the memory limit. Docker's own default is twice the limit.
options:
  _input:
    description: Memory limit of a service, in Docker Compose's notation.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the limit of memory and swap
  ansible.builtin.debug:
    msg: "{{ '512m' | landfall.django.swap_limit }}"  # 768m
"""

RETURN = r"""
_value:
  description: C(memswap_limit) for Docker Compose. V(-1), no limit, for a memory limit that cannot be read.
  type: str
"""

from collections.abc import Callable

from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import with_swap


class FilterModule:
    def filters(self) -> dict[str, Callable[[object], str]]:
        return {"swap_limit": with_swap}
