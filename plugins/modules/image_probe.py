#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_probe
short_description: Ask an image of a Django project what a stack must know of it
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Starts the image once, without network and without its entry point, and finds the user it runs as and whether the
    modules that the stack will name exist in it. No project code is imported.
attributes:
  check_mode:
    description: The module changes nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  image:
    description: The image. Where the host does not have it, nothing is returned.
    type: str
    required: true
  modules:
    description: Python modules that must be found from the image's working directory, by the variable that names each.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Ask the image who it is
  landfall.django.image_probe:
    image: shop:3f9c2ab41d07
    modules:
      stack_wsgi_application: shop.wsgi
  register: image
"""

RETURN = r"""
id:
  description: The image's id.
  type: str
  returned: where the image exists
uid:
  description: Numeric user that the image runs as.
  type: int
  returned: where the image exists
gid:
  description: Numeric group that the image runs as.
  type: int
  returned: where the image exists
workdir:
  description: The image's working directory.
  type: str
  returned: where the image exists
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker, inspect

# find_spec imports the parents of a dotted name: only the first part goes through it, the rest is looked for as files.
_PROBE = """
import importlib.util, json, os, sys
sys.path.insert(0, os.getcwd())
def exists(name):
    first, *rest = name.split(".")
    spec = importlib.util.find_spec(first)
    folders = list(spec.submodule_search_locations or []) if spec else None
    for part in rest:
        paths = [os.path.join(folder, part) for folder in folders or []]
        if not any(os.path.isdir(path) or os.path.isfile(path + ".py") for path in paths):
            return False
        folders = [path for path in paths if os.path.isdir(path)]
    return spec is not None
missing = [name for name in sys.argv[1:] if not exists(name)]
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "workdir": os.getcwd(), "missing": missing}))
"""


def identity_of(image: str) -> str:
    """The image's id, by any name it has, a digest too; nothing where the host does not have it."""
    try:
        return inspect(image, kind="image")[0]["Id"]
    except DockerError as error:
        if "no such image" in str(error).lower():
            return ""
        raise


def main() -> None:
    module = AnsibleModule(
        argument_spec={"image": {"type": "str", "required": True}, "modules": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    image, modules = module.params["image"], module.params["modules"]
    try:
        identity = identity_of(image)
        if not identity:
            module.exit_json(changed=False)
        names = sorted(set(modules.values()))
        run = ("run", "--rm", "--network=none", "--entrypoint=python3", image, "-c", _PROBE, *names)
        answer = json.loads(docker(*run, timeout=120))
    except (DockerError, ValueError) as error:
        module.fail_json(msg=f"The image {image} cannot run python3: {error}")
    missing = answer.pop("missing")
    problems = [
        f"{variable}: there is no module {name} in the image (looked from {answer['workdir']}); name one that exists"
        for variable, name in modules.items()
        if name in missing
    ]
    if problems:
        module.fail_json(msg="; ".join(problems))
    module.exit_json(changed=False, id=identity, **answer)


if __name__ == "__main__":
    main()
