# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: secret_files
short_description: Return the folder with a project's secret files as entries of landfall.django.tree
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the folder and each file in it for O(landfall.django.tree#module:entries). Only root and the project's user
    can read them.
options:
  _input:
    description: Names and contents, as in O(landfall.django.stack#role:main:stack_secret_files).
    type: dict
    required: true
  user:
    description: User and group of the project's containers, as two numbers with a colon between.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write the project's secret files
  landfall.django.tree:
    root: /srv/shop/secrets/files/1
    entries: "{{ {'api_token': vault_api_token} | landfall.django.secret_files(user='10001:10001') }}"
"""

RETURN = r"""
_value:
  description: The entries.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.secret_files import entries


def secret_files(files: dict[str, Any], user: str) -> list[dict[str, Any]]:
    if not isinstance(files, dict):
        raise AnsibleFilterError(f"landfall.django.secret_files needs a dictionary, not {type(files).__name__}")
    return entries(files, user)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        return {"secret_files": secret_files}
