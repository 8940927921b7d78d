# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: health_command
short_description: Return the command that checks the health of a web container from inside
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - The command requests the health page and succeeds where it is healthy, by the rule that M(landfall.django.release)
    applies from outside. The image needs only C(python3).
options:
  _input:
    description: Path of the health page.
    type: str
    required: true
  port:
    description: Port that the container listens on.
    type: int
    required: true
  host:
    description: Host name to send with the request.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the healthcheck of a service
  ansible.builtin.debug:
    msg: "{{ '/health/' | landfall.django.health_command(port=8000, host='shop.example.com') }}"
"""

RETURN = r"""
_value:
  description: The words of the command.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible_collections.landfall.django.plugins.module_utils._release.health import container_command


def health_command(path: str, port: int, host: str) -> list[str]:
    return container_command(int(port), path, host)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"health_command": health_command}
