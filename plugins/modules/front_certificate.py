#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: front_certificate
short_description: Have a certificate for a site of the front, and keys that its Nginx can read
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Nginx starts with a site only where the site has a certificate. Until there is a real one, this signs one that no
    browser trusts, in C(tls/temporary) below O(root).
  - Nginx is not root. So the group O(group), and nobody else but root, is let into the folders of keys, and reads the
    keys that the links in C(tls) lead to, be they temporary or certbot's.
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
  folders:
    description: Folders beside C(tls/temporary) that lead to keys. They are made where they are not there.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Have a certificate until there is a real one
  landfall.django.front_certificate:
    site: shop
    domains: [shop.example.com]
    group: 998
    folders: [/etc/letsencrypt/live, /etc/letsencrypt/archive]
"""

RETURN = r"""
temporary:
  description: Whether a temporary certificate was made, or would be.
  type: bool
  returned: success
opened:
  description: Folders and keys that the group could not read, or others could.
  type: list
  elements: str
  returned: success
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _front_certificate as certificate


def sign(module: AnsibleModule, folder: Path) -> None:
    """The certificate comes last, since it is what tells that all is there."""
    key, chain = folder / certificate.KEY, folder / certificate.CERTIFICATE
    new = [f"{path}.new" for path in (key, chain)]
    command = certificate.request(module.params["site"], module.params["domains"], *new)
    module.run_command(command, check_rc=True, umask=0o077)
    Path(new[1]).chmod(0o644)
    for made, path in zip(new, (key, chain)):
        os.replace(made, path)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/srv/nginx"},
            "site": {"type": "str", "default": ""},
            "domains": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "int", "required": True},
            "folders": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    root, site, group = Path(module.params["root"]), module.params["site"], module.params["group"]
    folder = certificate.temporary(root, site)
    places = (root / "tls" / site, folder)
    signs = bool(site) and not any((place / certificate.CERTIFICATE).exists() for place in places)
    opened = []

    def let(paths: list[Path], mode: int) -> None:
        for path in (path for path in paths if certificate.differs(path, mode, group)):
            opened.append(str(path))
            if not module.check_mode:
                certificate.let(path, mode, group)

    try:
        let([Path(path) for path in module.params["folders"]], certificate.FOLDER_MODE)
        let([*certificate.temporaries(root), *([folder] if signs else [])], certificate.FOLDER_MODE)
        if signs and not module.check_mode:
            sign(module, folder)
        let([*certificate.keys(root), *([folder / certificate.KEY] if signs else [])], certificate.KEY_MODE)
    except OSError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=signs or bool(opened), temporary=signs, opened=opened)


if __name__ == "__main__":
    main()
