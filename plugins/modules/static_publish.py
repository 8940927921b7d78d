#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: static_publish
short_description: Publish the static files of a release beside those of earlier ones
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Copies the files of one release into the folder that the web server serves, each replaced in one step.
  - Files of the releases before it stay, so that a page of the former release still finds its stylesheet. What no kept
    release has is removed.
attributes:
  check_mode:
    description: Not run in check mode, where the release has no files yet.
    support: none
  diff_mode:
    description: RV(files) says what changed.
    support: none
options:
  src:
    description: Folder with one folder of collected files for each release.
    type: path
    required: true
  release:
    description: Name of the new release's folder below O(src).
    type: str
    required: true
  dest:
    description: Folder that is served.
    type: path
    required: true
  kept:
    description: Releases whose files stay, the new one included. Older folders below O(src) are removed.
    type: int
    default: 5
  root_variable:
    description: Where the release has no file at all, the message names this variable as the one to set.
    type: str
    default: stack_static_path
"""

EXAMPLES = r"""
- name: Publish the static files
  landfall.django.static_publish:
    src: /srv/shop/static
    release: 3f9c2ab41d07
    dest: /srv/nginx/sites/shop/static
"""

RETURN = r"""
files:
  description: Files added, replaced or removed below O(dest).
  type: list
  elements: str
  returned: success
"""

import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _static


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "release": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "kept": {"type": "int", "default": 5},
            "root_variable": {"type": "str", "default": "stack_static_path"},
        },
    )
    src, release = Path(module.params["src"]), module.params["release"]
    if not any((src / release).iterdir()):
        module.fail_json(
            msg=f"collectstatic put nothing there: set {module.params['root_variable']} to the project's STATIC_ROOT"
            " as seen in the image, or stack_collectstatic to false where the project serves its own files"
        )
    keep, gone = _static.releases(src, release, module.params["kept"])
    files = _static.publish(src, release, keep, Path(module.params["dest"]))
    for name in gone:
        shutil.rmtree(src / name)
    module.exit_json(changed=bool(files or gone), files=files)


if __name__ == "__main__":
    main()
