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
  - Copies the certificate and the key of each site, which its link in C(tls) below O(root) leads to, into one file in
    C(keys). Nginx reads that and sees nothing else of where certificates are kept.
  - Nginx is not root. So the group O(group), and nobody else but root, can read the copies.
  - Nginx starts with a site only where the site has a certificate. Until there is a real one, this signs one that no
    browser trusts, in C(tls/temporary).
requirements:
  - openssl
attributes:
  check_mode:
    description: Says whether anything would be done.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
options:
  root:
    description: Folder of the front.
    type: path
    default: /srv/nginx
  site:
    description: Name of the site; empty where there is none.
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
  description: Names of the sites whose copy was another one, or could be read by others.
  type: list
  elements: str
  returned: success
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._front import certificate


def sign(module: AnsibleModule, folder: Path) -> None:
    """The certificate comes last, since it is what tells that all is there."""
    command = certificate.request(module.params["site"], module.params["domains"])
    said = module.run_command(command, check_rc=True, encoding=None)[1]
    chain, key = certificate.parts(said)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(folder / certificate.KEY, key, 0o600)
    replace(folder / certificate.CERTIFICATE, chain, 0o644)


def write(path: Path, content: bytes, group: int) -> None:
    """Write what the group may read, into a folder that the group may enter."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(path.parent, -1, group)
    path.parent.chmod(0o750)
    replace(path, content, certificate.COPY_MODE, -1, group)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/srv/nginx"},
            "site": {"type": "str", "default": ""},
            "domains": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    root, site, group = Path(module.params["root"]), module.params["site"], module.params["group"]
    folder = certificate.temporary(root, site)
    places = (root / "tls" / site, folder)
    signs = bool(site) and not any((place / certificate.CERTIFICATE).exists() for place in places)
    try:
        if signs and not module.check_mode:
            sign(module, folder)
        wanted = certificate.wanted(root, site)
        copied = [name for name in wanted if certificate.differs(certificate.copy(root, name), wanted[name], group)]
        for name in copied if not module.check_mode else ():
            write(certificate.copy(root, name), wanted[name], group)
    except OSError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=signs or bool(copied), temporary=signs, copied=copied)


if __name__ == "__main__":
    main()
