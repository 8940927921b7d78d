#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: init
short_description: Look at a Django project, and write the files that deploy it
version_added: 0.1.0
description:
  - Finds what the role P(landfall.django.stack#role) needs to know in the files of a project, without executing any of
    its code. Writes C(deploy/) into the project, with an inventory for one environment, the variables with a comment
    that says where each comes from, a vault, C(ansible.cfg) and C(requirements.yml).
  - What cannot be found is commented out, with the question.
  - A file that exists is never changed.
author: landfall.django contributors (@landfall)
options:
  path:
    description: The project's folder. By default the current folder.
    type: path
  environment:
    description: Name of the environment, such as V(staging). Each has an inventory of its own.
    type: str
    default: production
  name:
    description: Name of the stack. By default that of the folder, with the environment's name unless it is
      V(production).
    type: str
    default: ""
  host:
    description: Address of the host, for C(ansible_host).
    type: str
    default: ""
  user:
    description: User to log in as. By default V(root).
    type: str
    default: ""
  domains:
    description: Host names of the site.
    type: list
    elements: str
    default: []
  email:
    description: E-mail address for the certificate authority.
    type: str
    default: ""
  manage:
    description: Path of C(manage.py) in the project, if there are several.
    type: str
    default: ""
attributes:
  action:
    description: It runs on the controller.
    support: full
  async:
    description: It is over in a second.
    support: none
  check_mode:
    description: Tells what would be written.
    support: full
  diff_mode:
    description: Shows new files. The vault is shown as it is before it is encrypted, when it has names and no secrets.
    support: full
  platform:
    description: The controller must be one.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Write the files that deploy the project to a staging host
  landfall.django.init:
    path: /home/ann/shop
    environment: staging
    domains: [staging.shop.example.com]
  delegate_to: localhost
"""

RETURN = r"""
kept:
  description: Files of C(deploy/) that were there already.
  returned: success
  type: list
  elements: str
report:
  description: What was found, written, and is to be done. The next command is in the last line.
  returned: success
  type: list
  elements: str
written:
  description: New files of C(deploy/).
  returned: success
  type: list
  elements: str
  sample: [production/hosts.yml, production/group_vars/all/main.yml]
"""
