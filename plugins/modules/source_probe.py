#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: source_probe
short_description: Read the digest and some files of a project's source
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Computes one digest of the names, contents, links and execute bits of all files below a folder.
  - Version control (C(.git)), byte code (C(__pycache__)), times and owners do not count, so an image tagged with the
    digest is built again only when its content would differ.
  - Returns which of the files in O(find) exist, the content of those in O(read), and whether C(requirements.txt) is
    locked.
  - The source is not trusted. The module fails where one of these files is a link that leads out of the folder, a
    device, a FIFO or a socket, or is larger than 4 MiB.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
attributes:
  check_mode:
    details: Where the folder does not exist yet, nothing is returned in check mode.
options:
  path:
    description: Folder of the source.
    type: path
    required: true
  find:
    description: Files to look for, relative to O(path).
    type: list
    elements: str
    default: []
  read:
    description: Files to read, relative to O(path).
    type: list
    elements: str
    default: []
  repository:
    description: Name of the images that were built of the source. Empty for none.
    type: str
    default: ""
  image_cache:
    description: The file in which M(landfall.django.image_probe) keeps its answer. Empty for none.
    type: str
    default: ""
  profile_cache:
    description: The file in which M(landfall.django.project_profile) keeps its answer. Empty for none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Read the project's source
  landfall.django.source_probe:
    path: /srv/shop/source
    find: [requirements.txt, uv.lock]
    read: [Dockerfile]
  register: source
"""

RETURN = r"""
digest:
  description: SHA-256 in hexadecimal.
  type: str
  returned: success
found:
  description: The files of O(find) that exist, in the same order.
  type: list
  elements: str
  returned: success
unlocked:
  description: The lines of C(requirements.txt) without an exact version or a hash, where it is the first of RV(found).
  type: list
  elements: str
  returned: success
content:
  description: The content of the files of O(read) that exist, by name.
  type: dict
  returned: success
images:
  description: The images of O(repository), as C(name:tag).
  type: list
  elements: str
  returned: success
image:
  description: The answer in O(image_cache), with the C(name) of its image and the C(modules) that were searched. Empty
    if that image is gone.
  type: dict
  returned: success
profile:
  description: The C(profile) in O(profile_cache), with its C(key). Empty if there is none.
  type: dict
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files import beneath
from ansible_collections.landfall.django.plugins.module_utils._project import image_cache, profile
from ansible_collections.landfall.django.plugins.module_utils._project.requirements import unlocked
from ansible_collections.landfall.django.plugins.module_utils._project.source import digest

REQUIREMENTS = "requirements.txt"
LIMIT = 4 << 20


def exists(root: str, name: str) -> bool:
    with beneath.open_file(root, name) as pin:
        return pin is not None


def text(root: str, name: str) -> str | None:
    content = beneath.read(root, name, LIMIT)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name!r} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "find": {"type": "list", "elements": "str", "default": []},
            "read": {"type": "list", "elements": "str", "default": []},
            "repository": {"type": "str", "default": ""},
            "image_cache": {"type": "str", "default": ""},
            "profile_cache": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    root = module.params["path"]
    if module.check_mode and not os.path.isdir(root):
        module.exit_json(changed=False)
    try:
        found = [name for name in module.params["find"] if exists(root, name)]
        texts = {name: text(root, name) for name in module.params["read"]}
        module.exit_json(
            changed=False,
            digest=digest(root),
            found=found,
            unlocked=unlocked(text(root, REQUIREMENTS) or "") if found[:1] == [REQUIREMENTS] else [],
            images=image_cache.names(module.params["repository"]) if module.params["repository"] else [],
            image=image_cache.last(module.params["image_cache"]),
            profile=profile.kept(module.params["profile_cache"]),
            content={name: content for name, content in texts.items() if content is not None},
        )
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"the source tree {root} cannot be used: {error}")


if __name__ == "__main__":
    main()
