#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: stack_removal
short_description: Take a stack off its host, and leave the others alone
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Takes the site out of the host's Nginx first, then removes the stack's containers, networks and images.
  - Does all that can be done. What is left then is named in the message, and the next run goes on with it. A front that
    is down holds nothing up; it does not know the site any more when it comes back.
  - The database, the uploaded files, the secrets and the dumps stay, unless O(data) says otherwise. A later deployment
    under the same name finds them.
attributes:
  check_mode:
    description: Says what would be removed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  project_src:
    description: Folder of the stack.
    type: path
    required: true
  project_name:
    description: The Compose project's name.
    type: str
    required: true
  front_root:
    description: Folder of the front's files. Empty for none.
    type: str
    default: ""
  front_network:
    description: Network on which the front reaches the stack.
    type: str
    required: true
  data:
    description: Whether to remove what cannot be made again too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the staging site away
  landfall.django.stack_removal:
    project_src: /srv/shop-staging
    project_name: shop-staging
    front_root: /srv/nginx
    front_network: shop-staging_front
"""

RETURN = r"""
removed:
  description: What was removed, or would be.
  type: list
  elements: str
  returned: success
"""

import os
from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._release.undo import Step, run_all


def volumes(name: str) -> list[str]:
    return docker("volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()


def networks(name: str) -> list[str]:
    return docker("network", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()


def images(name: str) -> list[str]:
    return docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).split()


def folders(given: dict[str, str]) -> list[Path]:
    """The folders with what cannot be made again."""
    front = [Path(given["front_root"]) / "sites" / given["project_name"]] if given["front_root"] else []
    return [path for path in (*front, Path(given["project_src"])) if os.path.lexists(path)]


def known_to(front: Front, name: str) -> list[str]:
    """The files of the site, and what Nginx has of it still when they are gone."""
    return front.site_files(name) or (["the site in Nginx"] if front.loaded(name) is not None else [])


def removal(given: dict[str, str], data: bool) -> list[Step]:
    """What to do, in order, with the words that follow "could not"."""
    name = given["project_name"]
    front = Front(given["front_root"]) if given["front_root"] and Path(given["front_root"]).is_dir() else None
    # Not the Compose file that lies in the folder that this runs in.
    project = ("--project-directory", "/nonexistent", "--project-name", name)
    down = ("compose", *project, "down", "--remove-orphans", *(["--volumes"] if data else []))
    steps: list[Step] = []
    if front:
        steps += [
            ("take the site out of Nginx", lambda: front.remove_site(name)),
            ("take the front off the stack's network", lambda: front.disconnect(given["front_network"])),
        ]
    steps.append(("remove the containers and networks", lambda: docker(*down)))
    steps.append(("remove the images", lambda: images(name) and docker("image", "rm", *images(name))))
    for path in folders(given) if data else ():
        steps.append((f"remove {path}", partial(remove, path)))
    return steps


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "front_root": {"type": "str", "default": ""},
            "front_network": {"type": "str", "required": True},
            "data": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    name, data = given["project_name"], given["data"]
    try:
        removed = [*known_to(Front(given["front_root"]), name)] if given["front_root"] else []
        removed += [*Compose(given["project_src"], name).containers(), *networks(name), *images(name)]
        removed += [*volumes(name), *map(str, folders(given))] if data else []
    except DockerError as error:
        module.fail_json(msg=str(error))
    links = [path for path in folders(given) if path.is_symlink()] if data else []
    problems = run_all(removal(given, data)) if removed and not module.check_mode else []
    if problems:
        module.fail_json(msg="Not all of the stack could be removed; run this again. " + "\n".join(problems))
    for path in links:
        module.warn(f"{path} was a link: it is removed, and what it led to is not")
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
