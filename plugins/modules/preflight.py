#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find everything that would stop a stack, before anything is changed
version_added: 0.1.0
description:
  - Checks the variables of the role P(landfall.django.stack#role), and of the roles beside it where they are defined,
    and the host that they are meant for. All problems are reported at once, each in one sentence that names the
    variable, what is wrong with it and the cure.
  - The variables are held against the roles' argument specs (names, types, choices) and against what their values
    must be. A value that refers to something that the role makes later, such as a generated password, is left alone.
  - The host is asked for its distribution, its architecture, its free disk space, its memory (only a warning) and,
    in production, for whoever holds the ports of the web.
author: landfall.django contributors (@landfall)
options: {}
attributes:
  action:
    support: full
    description: It runs on the controller and asks the host by M(landfall.django.host_probe).
  async:
    support: none
    description: It is over in a second.
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It never changes anything.
  platform:
    support: full
    platforms: linux
    description: The host must be one.
seealso:
  - module: landfall.django.host_probe
"""

EXAMPLES = r"""
- name: Find everything that would stop the stack
  landfall.django.preflight:
  become: true
"""

RETURN = r"""
msg:
  description: All problems, one a line.
  returned: failure
  type: str
  sample: |-
    1 problem found, nothing has been changed yet:
    - stack_domains: it is empty: list the host names of the site, such as [shop.example.com].
programs:
  description: Whether the host has each of the programs that bring a source to it.
  returned: success
  type: dict
  sample: {"git": false, "rsync": true}
stack:
  description: Name of the stack that was checked.
  returned: always
  type: str
"""
