#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: repository_key
short_description: Keep the key of an apt repository, and no other
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Fetches a key in ASCII armour and writes it only when every key in it has the fingerprint asked for, so apt never
    trusts another one. It needs no gpg on the host.
  - Where the file holds just that key already, nothing is fetched.
attributes:
  check_mode:
    description: Fetches and checks the key, and writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
options:
  url:
    description: Address of the key.
    type: str
    required: true
  path:
    description: File that apt's C(Signed-By) names. Its folder must exist.
    type: path
    required: true
  fingerprint:
    description: The whole fingerprint, with spaces or without.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Have the key of Docker's repository
  landfall.django.repository_key:
    url: https://download.docker.com/linux/debian/gpg
    path: /etc/apt/keyrings/docker.asc
    fingerprint: 9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD88
"""

RETURN = r"""
fingerprints:
  description: The fingerprints of the keys at O(url).
  type: list
  elements: str
  returned: when it was fetched
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url
from ansible_collections.landfall.django.plugins.module_utils._docker import openpgp
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace


def holds(path: Path, wanted: str) -> bool:
    try:
        return set(openpgp.fingerprints(path.read_bytes())) == {wanted}
    except (OSError, ValueError):
        return False


def fetched(module: AnsibleModule, url: str) -> bytes:
    answer, info = fetch_url(module, url, timeout=30)
    if info["status"] != 200:
        module.fail_json(msg=f"docker_repository_key: {url} cannot be fetched: {info['msg']}")
    return answer.read(1 << 20)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True, "no_log": False},
            "path": {"type": "path", "required": True},
            "fingerprint": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    url, path = module.params["url"], Path(module.params["path"])
    wanted = openpgp.normal(module.params["fingerprint"])
    if holds(path, wanted):
        module.exit_json(changed=False)
    content = fetched(module, url)
    try:
        found = openpgp.fingerprints(content)
    except ValueError as error:
        module.fail_json(msg=f"docker_repository_key: {url} is no key: {error}")
    if set(found) != {wanted}:
        module.fail_json(
            msg=f"docker_repository_key_fingerprint: the key at {url} has the fingerprint {' and '.join(found)}, not "
            f"{wanted}, so apt is not told to trust it: find out why, and correct docker_repository_key, or the "
            "fingerprint if the repository is another one",
            fingerprints=found,
        )
    if not module.check_mode:
        replace(path, content, 0o644)
    module.exit_json(changed=True, fingerprints=found)


if __name__ == "__main__":
    main()
