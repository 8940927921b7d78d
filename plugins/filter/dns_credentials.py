# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dns_credentials
short_description: Format credentials as the file that a DNS plugin of certbot reads
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the content of the file. For the plugin V(google) it is JSON, for V(route53) a file of AWS.
positional: _input
options:
  _input:
    description: The variable C(letsencrypt_dns), with C(plugin) and C(credentials).
    type: dict
    required: true
  header:
    description: Comment at the top, where the form has comments.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Write the credentials of a name server
  ansible.builtin.copy:
    content: "{{ {'plugin': 'cloudflare', 'credentials': {'api_token': token}} | landfall.django.dns_credentials }}"
    dest: /etc/letsencrypt/dns/shop
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The content.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._certificate import dns


def dns_credentials(given: Mapping[str, Any], header: str = "") -> str:
    return dns.credentials_file(given["plugin"], given["credentials"], header)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"dns_credentials": dns_credentials}
