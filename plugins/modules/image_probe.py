#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_probe
short_description: Read the user, the working directory and the modules of a project's image
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Runs the image once, without network and without its entry point. Returns the user that it runs as, and fails where
    a module that the stack needs is missing. No project code is imported.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
options:
  image:
    description: Name of the image. Where the host does not have it, nothing is returned.
    type: str
    required: true
  modules:
    description: Python modules that must exist, seen from the image's working directory, by their variables.
    type: dict
    default: {}
  user:
    description: The user that containers get instead of the image's own. Empty for the image's own, which must then not
      be the user of another service.
    type: str
    default: ""
  cache:
    description: File that keeps the answer, so that an image which is asked again needs no container. Empty keeps none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Read the image's user
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
homes:
  description: The home folders that exist in the image, by the number of their user.
  type: dict
  returned: where the image exists
workdir:
  description: The image's working directory.
  type: str
  returned: where the image exists
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker import users
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._project import image_cache

# find_spec imports the parents of a dotted name, so it gets only the first part; the others are searched as files.
_PROBE = """
import importlib.util, json, os, pwd, sys
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
homes = {str(user.pw_uid): user.pw_dir for user in pwd.getpwall()}
homes[str(os.getuid())] = os.environ.get("HOME", "")
homes = {uid: home for uid, home in homes.items() if home != "/" and os.path.isdir(home)}
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "workdir": os.getcwd(), "homes": homes, "missing": missing}))
"""


def answer_of(image: str, names: list[str]) -> dict[str, Any]:
    """What a container of the image says of itself, and which of the modules it does not find."""
    run = ("run", "--rm", "--network=none", "--entrypoint=python3", image, "-c", _PROBE, *names)
    return dict(json.loads(docker(*run, timeout=120)))


def problems_of(answer: dict[str, Any], modules: dict[str, str], user: str) -> list[str]:
    """What of the image does not fit the stack, by the variable that cures it."""
    missing = answer.pop("missing", [])
    problems = [
        f"{variable}: the image has no module {name} (searched from {answer['workdir']}): set it to one that exists"
        for variable, name in modules.items()
        if name in missing
    ]
    if not user and (service := users.service_of(answer["uid"])):
        problems.append(
            f"stack_user: the image runs as {answer['uid']}, which is the user of {service}: set another one, such as"
            " 10001:10001"
        )
    return problems


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "modules": {"type": "dict", "default": {}},
            "user": {"type": "str", "default": ""},
            "cache": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    image, modules, cache = module.params["image"], module.params["modules"], module.params["cache"]
    try:
        identity = image_cache.image_id(image)
        if not identity:
            module.exit_json(changed=False)
        names = sorted(set(modules.values()))
        answer = image_cache.answer(cache, identity, names)
        if not answer:
            answer = answer_of(image, names)
    except (DockerError, ValueError) as error:
        module.fail_json(msg=f"The image {image} cannot run python3: {error}")
    problems = problems_of(answer, modules, module.params["user"])
    if problems:
        module.fail_json(msg="; ".join(problems))
    # Only an answer that can have no problem is kept: nobody looks for one in it again.
    if cache and not module.check_mode and not users.service_of(answer["uid"]):
        image_cache.keep(cache, image, identity, names, answer)
    module.exit_json(changed=False, id=identity, **answer)


if __name__ == "__main__":
    main()
