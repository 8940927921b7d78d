# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: front_buffers
short_description: Tell how much of the disk the requests and answers of a site need
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns room for two of the largest bodies and as much for answers, but at least 1 GiB.
positional: _input
options:
  _input:
    description: Largest body of a request, in Nginx's notation.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the space on the disk
  ansible.builtin.debug:
    msg: "{{ '2g' | landfall.django.front_buffers }}"  # 8192m
"""

RETURN = r"""
_value:
  description: The space, in Nginx's notation.
  type: str
"""

from collections.abc import Callable

from ansible_collections.landfall.django.plugins.module_utils._front.limits import buffers_for


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"front_buffers": buffers_for}
