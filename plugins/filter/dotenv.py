# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dotenv
short_description: Format a dictionary as lines of a dotenv file for Docker Compose
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns one line C(NAME="value") per item, escaped so that Docker Compose passes every value to the container
    unchanged, both with C(env_file) and by interpolation of C(.env).
  - Values that are not strings are formatted as Python prints them, so V(true) becomes C(True).
options:
  _input:
    description: The variables. Names consist of letters, digits and underscores; values must not hold a NUL character.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write an environment file
  ansible.builtin.copy:
    content: "{{ {'GREETING': 'costs $5 # \"each\"'} | landfall.django.dotenv }}"
    dest: /srv/shop/.env
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The lines, without a newline at the end.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import dump


def dotenv(variables: dict[str, object]) -> str:
    if not isinstance(variables, dict):
        raise AnsibleFilterError(f"landfall.django.dotenv needs a dictionary, not {type(variables).__name__}")
    try:
        return dump(variables)
    except ValueError as error:
        raise AnsibleFilterError(f"landfall.django.dotenv: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[[dict[str, object]], str]]:
        return {"dotenv": dotenv}
