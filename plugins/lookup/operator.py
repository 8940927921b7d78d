# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: operator
short_description: Tell who runs Ansible, and where
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the user and the machine that Ansible runs as and on, for a log that is kept on a host.
options:
  _terms:
    description: Nothing is asked.
"""

EXAMPLES = r"""
- name: Say who it was
  ansible.builtin.debug:
    msg: "{{ lookup('landfall.django.operator') }}"
"""

RETURN = r"""
_raw:
  description: One text, such as V(ann@laptop).
  type: list
  elements: str
"""

import getpass
import socket

from ansible.plugins.lookup import LookupBase


def operator() -> str:
    """The user and the machine, as user@machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: object = None, **kwargs: object) -> list[str]:
        return [operator()]
