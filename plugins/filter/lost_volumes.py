# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: lost_volumes
short_description: Return the volumes of an image whose data ends with each container
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the paths that no folder of the host is mounted at or above, sorted.
options:
  _input:
    description: Paths that the image declares as volumes.
    type: list
    elements: str
    required: true
  mounted:
    description: Paths at which a folder of the host is mounted.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the volumes that are lost
  ansible.builtin.debug:
    msg: "{{ ['/app/data', '/app/media/thumbs'] | landfall.django.lost_volumes(mounted=['/app/media']) }}"
"""

RETURN = r"""
_value:
  description: The paths.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible_collections.landfall.django.plugins.module_utils._project import folders


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"lost_volumes": folders.lost}
