# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: rsync_filters
short_description: Tell rsync which files of a project's folder not to copy
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns options of rsync that leave out what git ignores, what the project's C(.dockerignore) excludes, virtual
    environments, and what matches O(patterns). Without git on the controller, a C(.gitignore) does not count.
options:
  _terms:
    description: The project's folder on the controller.
    required: true
  patterns:
    description: Lines of a C(.dockerignore) that begin with C(**/), or with C(!**/) for an exception.
    type: list
    elements: str
    default: []
  subdir:
    description: The build context in the folder, whose C(.dockerignore) counts.
    type: str
    default: ""
  dockerfile:
    description: The project's Dockerfile, relative to O(subdir). It is copied in any case.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what is not copied
  ansible.builtin.debug:
    msg: "{{ query('landfall.django.rsync_filters', stack_project_dir, patterns=['**/.env']) }}"
"""

RETURN = r"""
_raw:
  description: Options such as V(--exclude=/venv/).
  type: list
  elements: str
"""

import os

from ansible.plugins.lookup import LookupBase
from ansible_collections.landfall.django.plugins.module_utils._project import copied
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore


def options_for(root: str, patterns: list[str], subdir: str, dockerfile: str) -> list[str]:
    context = os.path.join(root, subdir)
    names = [f"{dockerfile}.dockerignore", ".dockerignore", dockerfile]
    kept = [os.path.normpath(os.path.join(subdir, name)) for name in names if name]
    left_out = {*copied.ignored_by_git(root), *copied.virtual_environments(root)}
    for name in kept[:-1]:
        if os.path.isfile(os.path.join(root, name)):
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as stream:
                ignore = Ignore([*stream, *patterns])
            inside = [os.path.relpath(path, subdir or ".") for path in kept]
            found = copied.ignored_by_docker(context, ignore, inside)
            left_out |= {os.path.join(subdir, path) for path in found}
            break
    return copied.filters(patterns, left_out, kept)


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: object = None, **kwargs: object) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        given = (self.get_option(name) for name in ("patterns", "subdir", "dockerfile"))
        return options_for(self._loader.path_dwim(terms[0]), *given)
