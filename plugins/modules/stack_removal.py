#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: stack_removal
short_description: Remove a stack from its host
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Removes the site from the host's Nginx first, then the stack's containers, networks and images. Other stacks are not
    affected.
  - Where a step fails, the others are done all the same. The message names what is left, and the next run removes it. A
    front that does not run does not fail the module; it no longer has the site when it starts.
  - The database, the uploaded files, the secrets and the dumps stay, unless O(data=true). A later deployment under the
    same name uses them.
extends_documentation_fragment:
  - landfall.django._attributes
  - landfall.django._attributes.no_diff
  - landfall.django._project
  - landfall.django._project.name
  - landfall.django._project.front
attributes:
  check_mode:
    support: full
options:
  data:
    description: Whether to remove the database, the uploaded files, the secrets and the dumps too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove the staging site
  landfall.django.stack_removal:
    project_src: /srv/shop-staging
    project_name: shop-staging
    front_root: /srv/nginx
    front_network: shop-staging_front
"""

RETURN = r"""
removed:
  description: The files, containers, networks, images and volumes that were removed, or would be.
  type: list
  elements: str
  returned: success
"""

import os
from functools import partial
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _options
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
    """Return the folders with the data of the stack."""
    front = [Path(given["front_root"]) / "sites" / given["project_name"]] if given["front_root"] else []
    return [path for path in (*front, Path(given["project_src"])) if os.path.lexists(path)]


def front_parts(front: Front, name: str) -> list[str]:
    """Return the site's files in the front; without files, whether Nginx still has the site loaded."""
    return front.site_files(name) or (["the site in Nginx"] if front.loaded(name) is not None else [])


def removal(given: dict[str, str], data: bool) -> list[Step]:
    """Return the steps in order, each with the words that follow "could not" in a message."""
    name = given["project_name"]
    front = Front(given["front_root"]) if given["front_root"] and Path(given["front_root"]).is_dir() else None
    # Without a project directory, Compose would read a file in the current folder.
    project = ("--project-directory", "/nonexistent", "--project-name", name)
    down = ("compose", *project, "down", "--remove-orphans", *(["--volumes"] if data else []))
    steps: list[Step] = []
    if front:
        steps += [
            ("remove the site from Nginx", lambda: front.remove_site(name)),
            ("disconnect the front from the stack's network", lambda: front.disconnect(given["front_network"])),
        ]
    steps.append(("remove the containers and networks", lambda: docker(*down)))
    steps.append(("remove the images", lambda: images(name) and docker("image", "rm", *images(name))))
    for path in folders(given) if data else ():
        steps.append((f"remove {path}", partial(remove, path)))
    return steps


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.PROJECT,
            **_options.NAME,
            **_options.FRONT,
            "data": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    name, data = given["project_name"], given["data"]
    try:
        removed = [*front_parts(Front(given["front_root"]), name)] if given["front_root"] else []
        removed += [*Compose(given["project_src"], name).containers(), *networks(name), *images(name)]
        removed += [*volumes(name), *map(str, folders(given))] if data else []
    except DockerError as error:
        module.fail_json(msg=str(error))
    links = [path for path in folders(given) if path.is_symlink()] if data else []
    problems = run_all(removal(given, data)) if removed and not module.check_mode else []
    if problems:
        module.fail_json(
            msg="The stack was not removed completely: run the playbook landfall.django.remove again.\n"
            + "\n".join(problems)
        )
    for path in links:
        module.warn(f"{path} was a link: the link was removed, but not the folder that it leads to")
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
