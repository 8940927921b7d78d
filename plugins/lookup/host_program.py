# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: host_program
short_description: Pack a part of this collection into a program for the host
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the text of one Python file that runs on the host without Ansible, such as from a systemd timer. It needs
    C(/usr/bin/python3) and nothing else there.
  - The file has a module of this collection's C(module_utils) and all that it imports, and no secrets.
options:
  _terms:
    description: Modules of C(module_utils), such as C(_backup.main). Each has a function C(main), which gets the list
      of command-line words and the collection's C(version), and returns the exit code.
    required: true
  arguments:
    description: Further arguments of C(main), which everybody on the host can read.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write the program
  landfall.django.tree:
    root: /usr/local/lib/landfall/shop
    entries:
      - path: backup
        content: "{{ lookup('landfall.django.host_program', '_backup.main') }}"
        mode: "0755"
"""

RETURN = r"""
_raw:
  description: The programs.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.landfall.django.plugins.plugin_utils import _program


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        return [_program.installed(term, self.get_option("arguments")) for term in terms]
