# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: kept_folders
short_description: Return the folders of a project that outlive its containers
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns a folder of the host for each volume of a stack, and for each part of such a folder, or of media, that the
    image declares as a volume of its own. Without that, Docker would cover the part by a volume that ends with its
    container.
options:
  _input:
    description: Names and paths, as in O(landfall.django.stack#role:main:stack_volumes).
    type: dict
    required: true
  root:
    description: Folder of the host that has one folder for each volume.
    type: str
    required: true
  media:
    description: Folder of the host with the uploads as C(path), and where the project has them as C(target). Empty for
      none.
    type: dict
    default: {}
  declared:
    description: Volumes that the image declares.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show where a project's files are kept
  ansible.builtin.debug:
    msg: "{{ {'data': '/app/data'} | landfall.django.kept_folders(root='/srv/shop/volumes') }}"
"""

RETURN = r"""
_value:
  description: The folders, each with its C(path) on the host and its C(mount), as Compose takes it.
  type: list
  elements: dict
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.folders import Folder, kept


def kept_folders(
    volumes: dict[str, str], root: str, media: dict[str, str] | None = None, declared: list[str] | None = None
) -> list[dict[str, str]]:
    if not isinstance(volumes, dict):
        raise AnsibleFilterError(f"landfall.django.kept_folders needs a dictionary, not {type(volumes).__name__}")
    uploads = Folder(media["path"], media["target"]) if media else None
    folders = kept(volumes, root, uploads, declared or [])
    return [{"path": folder.path, "mount": f"{folder.path}:{folder.target}"} for folder in folders]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[dict[str, str]]]]:
        return {"kept_folders": kept_folders}
