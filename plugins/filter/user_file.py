# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: user_file
short_description: Format names and passwords as a file of users for Nginx
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns one line per user, with the hash of the password by SHA-512 crypt. The same input gives the same lines.
positional: _input
options:
  _input:
    description: Passwords by user name.
    type: dict
    required: true
  site:
    description: Name of the site, which becomes part of each salt.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write the users of a site
  ansible.builtin.copy:
    content: "{{ {'ann': staging_password} | landfall.django.user_file(site='shop') }}"
    dest: /srv/nginx/keys/shop.users
    group: landfall-nginx
    mode: "0640"
"""

RETURN = r"""
_value:
  description: The lines.
  type: str
"""

from collections.abc import Callable

from ansible_collections.landfall.django.plugins.module_utils._front.users import user_file


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"user_file": lambda passwords, site: user_file(site, passwords)}
