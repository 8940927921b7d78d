# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: profile_key
short_description: Return one word that changes with everything that a project's profile depends on
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - A digest of the input and of the program that asks the project. It tells nothing of a secret in the input.
options:
  _input:
    description: The image's id, the environment, and whatever else is asked with.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the key
  ansible.builtin.debug:
    msg: "{{ ['sha256:0f3f', 'DEBUG=\"False\"'] | landfall.django.profile_key }}"
"""

RETURN = r"""
_value:
  description: The digest in hexadecimal.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._project.profile import key


def profile_key(parts: list[Any]) -> str:
    return key(*parts)


class FilterModule:
    def filters(self) -> dict[str, Callable[[list[Any]], str]]:
        return {"profile_key": profile_key}
