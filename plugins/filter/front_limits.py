# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: front_limits
short_description: Tell how many requests of a site Nginx may handle at once
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Shares out the space on the disk that a site's requests and answers may take, so that the numbers times the sizes
    never exceed it.
positional: _input
options:
  _input:
    description: Space on the disk, in Nginx's notation.
    type: str
    required: true
  body:
    description: Largest body of a request, in Nginx's notation.
    type: str
    required: true
  requests:
    description: How many requests the project may be asked at once.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show how many uploads there may be at once
  ansible.builtin.debug:
    msg: "{{ ('1g' | landfall.django.front_limits(body='20m', requests=500)).uploads }}"  # 25
"""

RETURN = r"""
_value:
  description: C(requests), C(requests_per_visitor), C(uploads), C(uploads_per_visitor), and C(answer), the bytes of
    one answer that may lie on the disk.
  type: dict
"""

from collections.abc import Callable
from dataclasses import asdict

from ansible_collections.landfall.django.plugins.module_utils._front.limits import limits


def front_limits(buffers: object, body: object, requests: object) -> dict[str, int]:
    return asdict(limits(buffers, body, requests))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, int]]]:
        return {"front_limits": front_limits}
