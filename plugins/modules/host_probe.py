#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Tell what a host is, what it has, and who holds its ports
version_added: 0.1.0
description:
  - Returns the distribution, the architecture and the memory of a host, and of the packages, units, programs, accounts,
    paths and TCP ports that are asked for, how they are. It needs no gathered facts.
  - One call answers what P(ansible.builtin.setup#module), P(ansible.builtin.package_facts#module),
    P(ansible.builtin.service_facts#module) and P(ansible.builtin.getent#module) would answer in several.
  - A port that a container publishes is reported with that container's name and its Compose project and service,
    also where no process of the host is seen to listen.
author: landfall.django contributors (@landfall)
options:
  ports:
    description: The TCP ports whose holders are wanted.
    type: list
    elements: int
    default: []
  paths:
    description: The paths whose free space is wanted. Of one that does not exist, the nearest existing parent is taken.
    type: list
    elements: path
    default: []
  packages:
    description: Debian packages to look for.
    type: list
    elements: str
    default: []
  units:
    description: Units of systemd to look for.
    type: list
    elements: str
    default: []
  engine:
    description: Whether to ask the Docker Engine for its version.
    type: bool
    default: false
  programs:
    description: Programs to look for.
    type: list
    elements: str
    default: []
  files:
    description: Files to look for. A name may have the wildcards of a shell.
    type: list
    elements: str
    default: []
  accounts:
    description: Users and groups to look for, by name or number.
    type: list
    elements: str
    default: []
  stack_root:
    description: Folder of a stack, to see whose it is already.
    type: str
    default: ""
  front_root:
    description: Folder of the host's Nginx, to see which sites it serves already.
    type: str
    default: ""
  calendars:
    description: Calendar expressions for timers of systemd, to see whether the host's systemd takes them.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It never changes anything.
  platform:
    support: full
    platforms: linux
    description: It reads C(/proc).
notes:
  - Without root's rights the processes of other users stay unnamed.
"""

EXAMPLES = r"""
- name: See who holds the web's ports
  landfall.django.host_probe:
    ports: [80, 443]
    paths: [/srv/shop, /var/lib/docker]
  become: true
  register: host
"""

RETURN = r"""
distribution:
  description: C(id), C(version), C(release) (the code name) and C(name) from C(/etc/os-release).
  returned: success
  type: dict
  sample: {"id": "debian", "version": "13", "release": "trixie", "name": "Debian GNU/Linux 13 (trixie)"}
packages:
  description: Those of O(packages) that are installed.
  returned: success
  type: list
  elements: str
  sample: [certbot, openssl]
units:
  description: For each of O(units) whether it is C(enabled) and C(active), in systemd's words.
  returned: success
  type: dict
  sample: {"docker.service": {"enabled": "enabled", "active": "active"}}
engine:
  description: The Docker Engine's version; empty where it does not answer or was not asked for.
  returned: success
  type: str
  sample: 29.0.0
ipv6:
  description: Whether the front's network can have IPv6 with this engine, and the host keeps its own way out.
  returned: success
  type: bool
accounts:
  description: For each of O(accounts) the user of this name or number, and the group. Null where there is none.
  returned: success
  type: list
  elements: dict
  sample: [{"account": "10004", "user": {"name": "ann", "id": 10004, "gid": 100}, "group": null}]
architecture:
  description: The machine's architecture in Docker's words.
  returned: success
  type: str
  sample: amd64
apt_holder:
  description: Name of the process that keeps others from using apt. Empty for none.
  returned: success
  type: str
  sample: unattended-upgr
memory_mib:
  description: The memory in MiB.
  returned: success
  type: int
  sample: 1967
sized_for:
  description:
    - The C(memory_mib) and C(cores) of the host and the number of C(stacks) on it that the sizes of the stack in
      O(stack_root) are for.
    - A deployed stack keeps its numbers until the host has other cores, or a tenth more or less memory.
  returned: success
  type: dict
  sample: {"memory_mib": 1967, "cores": 2, "stacks": 1}
paths:
  description: For each path the nearest existing one, the number of its file system and the MiB free there.
  returned: success
  type: list
  elements: dict
  sample: [{"path": "/srv/shop", "existing": "/srv", "device": 65024, "free_mib": 20480}]
files:
  description: The SHA-256 of each file that O(files) finds, if it belongs to root and has the mode 0644.
  returned: success
  type: dict
  sample: {"/etc/apt/keyrings/docker-4a7c1b0e.asc": "1500c1f56fa9e26b9b8f42452a553675796ade0807cdce11975eb98170b3a570"}
programs:
  description: Whether there is each of O(programs).
  returned: success
  type: dict
  sample: {"rsync": true}
stack:
  description: The name of the stack whose files are in O(stack_root), empty where there are none.
  returned: success
  type: str
  sample: shop
stack_files:
  description: The names in O(stack_root).
  returned: success
  type: list
  elements: str
  sample: [compose.yaml, releases, source]
sites:
  description: The host names that the Nginx in O(front_root) serves, by site.
  returned: success
  type: dict
  sample: {"shop": ["shop.example.com"]}
calendars:
  description: For each of O(calendars) what is wrong with it, empty where nothing is or where there is no systemd.
  returned: success
  type: dict
  sample: {"daily": "", "dayly": "Failed to parse calendar specification 'dayly': Invalid argument"}
ports:
  description:
    - For each port its holders, an empty list where it is free.
    - A holder has C(container), C(project) and C(service), or C(process) and C(pid). An empty C(process) is one that
      could not be seen.
  returned: success
  type: list
  elements: dict
  sample: [{"port": 80, "holders": [{"process": "apache2", "pid": 731}]}, {"port": 443, "holders": []}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._preflight.look import look


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "int", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "engine": {"type": "bool", "default": False},
            "programs": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "str", "default": []},
            "accounts": {"type": "list", "elements": "str", "default": []},
            "stack_root": {"type": "str", "default": ""},
            "front_root": {"type": "str", "default": ""},
            "calendars": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    module.exit_json(**look(**module.params))


if __name__ == "__main__":
    main()
