#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: source_probe
short_description: Read the digest of a project's source, and how its image is built
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Computes one digest of the names, contents, links and execute bits of all files of a build context.
  - Version control (C(.git)), byte code (C(__pycache__)), times, owners and what O(ignore) or the project's
    C(.dockerignore) excludes do not count, so an image tagged with the digest is built again only when its content
    would differ.
  - Returns the project's Dockerfile. Where it has none, returns what a generated one says, decided from the project's
    files and O(wanted).
  - The source is not trusted. The module fails where a file that it reads is a link that leads out of the folder, a
    device, a FIFO or a socket, or is larger than 16 MiB.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
  - landfall.django._attributes.direct
attributes:
  check_mode:
    details: Where the folder does not exist yet, nothing is returned in check mode.
options:
  path:
    description: Folder of the source.
    type: str
    required: true
  subdir:
    description: Folder of the project, relative to O(path).
    type: str
    default: ""
  dockerfile:
    description: The project's Dockerfile, relative to O(subdir). Empty to generate one in any case.
    type: str
    default: Dockerfile
  ignore:
    description: What is never part of an image, as lines of a C(.dockerignore). They come after the project's own.
    type: list
    elements: str
    default: []
  wanted:
    description: What the variables of the stack say about a generated Dockerfile.
    type: dict
    default: {}
    suboptions:
      requirements_file:
        description: The file that lists the dependencies.
        type: str
        default: ""
      groups:
        description: Groups and extras to install. By default those with the usual names of a deployment.
        type: list
        elements: str
        default: []
      python_image:
        description: The base image. Empty to choose it by the version of Python that the project names.
        type: str
        default: ""
      manage_command:
        description: How Django's commands are run.
        type: str
        default: python3 manage.py
      web_command:
        description: Command of the web process.
        type: str
        default: ""
      drivers:
        description: Packages that the project may reach its database with. The first is added where there is none.
        type: list
        elements: str
        default: []
  refreshed:
    description: File with the time of the last build for the updates of the base image. Empty for none.
    type: str
    default: ""
  refresh_days:
    description: Days after which such a build is due. V(0) for never.
    type: int
    default: 0
  refresh:
    description: Whether it is due at once.
    type: bool
    default: false
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
    ignore: ["**/.env"]
  register: source
"""

RETURN = r"""
context:
  description: The build context, relative to O(path) and empty for O(path) itself. It is O(subdir), or the nearest
    folder above that has the Dockerfile or a lock file.
  type: str
  returned: success
digest:
  description: SHA-256 in hexadecimal.
  type: str
  returned: success
dockerfile:
  description: The text of the project's Dockerfile. Empty where it has none.
  type: str
  returned: success
dockerignore:
  description: The text of its C(.dockerignore), or of the one beside its Dockerfile. Empty where it has none.
  type: str
  returned: success
build:
  description: What a generated Dockerfile says. Empty where the project has its own.
  type: dict
  returned: success
base:
  description: Whether a build for the updates of the base image is C(due), and the C(stamp) that belongs into
    O(refreshed) once it is done.
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._project.look import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
