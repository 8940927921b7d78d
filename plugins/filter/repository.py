# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: repository
short_description: Take the user and the token out of a repository's address
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Splits an address such as V(https://user:token@git.example.com/shop.git), so that git can be given the token in a
    way that shows it to nobody. Any other address stays as it is.
options:
  _input:
    description: The address.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the address alone
  ansible.builtin.debug:
    msg: "{{ (stack_git_repository | landfall.django.repository).url }}"
"""

RETURN = r"""
_value:
  description: The address as C(url), and C(credentials) in the form of git's credential helpers for the C(server). The
    last two are empty where the address has none.
  type: dict
"""

from collections.abc import Callable
from dataclasses import asdict

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.repository import repository as split


def repository(address: str | None) -> dict[str, str]:
    if not isinstance(address, (str, type(None))):
        raise AnsibleFilterError(f"landfall.django.repository needs a string, not {type(address).__name__}")
    try:
        return asdict(split(address or ""))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[[str | None], dict[str, str]]]:
        return {"repository": repository}
