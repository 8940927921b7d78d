#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find everything that would stop a role, before anything is changed
version_added: 0.1.0
description:
  - Checks the variables of a role and the host that they are meant for. For the role P(landfall.django.stack#role),
    the roles beside it are checked too, as far as their variables are defined. All problems are reported at once, each
    in one sentence that names the variable, what is wrong with it and the cure.
  - The variables are held against the roles' argument specs (names, types, choices) and against what their values
    must be. A value that refers to something that the role makes later, such as a generated password, is left alone.
  - The host is asked once. For a stack that is its distribution, its architecture, its free disk space, its memory
    (only a warning) and, in production, the processes that hold the web's ports.
author: landfall.django contributors (@landfall)
options:
  role:
    description: The role.
    type: str
    choices: [stack, docker, nginx, letsencrypt]
    default: stack
  packages:
    description: Debian packages whose presence is to be returned. Not for V(role=stack).
    type: list
    elements: str
    default: []
  units:
    description: Units of systemd whose state is to be returned. Not for V(role=stack).
    type: list
    elements: str
    default: []
attributes:
  action:
    support: full
    description: It runs on the controller and asks the host with M(landfall.django.host_probe).
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

- name: Check the front's variables, and whether its unit runs
  landfall.django.preflight:
    role: nginx
    units: [landfall-front.service]
  become: true
  register: front
"""

RETURN = r"""
msg:
  description: All problems, one a line.
  returned: failure
  type: str
  sample: |-
    1 problem found, nothing has been changed yet:
    - stack_domains: it is empty: list the host names of the site, such as [shop.example.com].
accounts:
  description: As M(landfall.django.host_probe) returns it.
  returned: V(role=nginx)
  type: list
  elements: dict
distribution:
  description: As M(landfall.django.host_probe) returns it, with C(docker_packages), the distribution's own packages of
    Docker. They are none where it has no Compose v2.
  returned: any role but V(role=stack)
  type: dict
engine:
  description: The Docker Engine's version; empty where it does not answer.
  returned: V(role=stack) and V(role=nginx)
  type: str
files:
  description: As M(landfall.django.host_probe) returns it, of the keys of Docker's repository.
  returned: V(role=docker)
  type: dict
packages:
  description: Those of O(packages) that are installed.
  returned: any role but V(role=stack)
  type: list
  elements: str
programs:
  description: Whether the host has each of the programs that bring a source to it.
  returned: V(role=stack)
  type: dict
  sample: {"git": false, "rsync": true}
rsync_is_root:
  description: Whether C(rsync) on the host can become root. It cannot with a C(become) password, or with another
    C(become_method) than sudo.
  returned: V(role=stack)
  type: bool
stack:
  description: Name of the stack that was checked.
  returned: V(role=stack)
  type: str
units:
  description: For each of O(units) whether it is C(enabled) and C(active).
  returned: any role but V(role=stack)
  type: dict
"""
