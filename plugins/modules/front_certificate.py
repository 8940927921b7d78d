#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: front_certificate
short_description: Give the front's Nginx the certificates and keys of its sites
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Copies the certificate and the key of each site, to which its link in C(tls) below O(root) points, into one file in
    C(keys). Nginx reads that file and has no access to the folders of certificates.
  - Nginx is not root. Only root and the group O(group) can read the copies.
  - Nginx does not start while a site has no certificate. Until there is a real one, this module signs one that no
    browser trusts, in C(tls/temporary).
requirements:
  - openssl
extends_documentation_fragment:
  - landfall.django._attributes.no_diff
  - landfall.django._attributes.direct
attributes:
  check_mode:
    description: Says whether anything would be done.
    support: full
options:
  root:
    description: Folder of the front.
    type: path
    default: /srv/nginx
  site:
    description: Name of the site; empty for none.
    type: str
    default: ""
  domains:
    description: Host names of the site.
    type: list
    elements: str
    default: []
  group:
    description: Number of the group that Nginx runs as.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Give Nginx the sites' certificates
  landfall.django.front_certificate:
    site: shop
    domains: [shop.example.com]
    group: 998
"""

RETURN = r"""
temporary:
  description: Whether a temporary certificate was made, or would be.
  type: bool
  returned: success
copied:
  description: Names of the sites whose copy differed, or was readable by others.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._front.give_certificates import SPEC, result


def main() -> None:
    root = {**SPEC["root"], "type": "path"}
    module = AnsibleModule(argument_spec={**SPEC, "root": root}, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
