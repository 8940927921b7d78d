#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_probe
short_description: Find out what the role hardening has to do on a host, and what it must not do
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Looks for other firewalls, for the ports that sshd listens on, for missing packages, for units that are not enabled
    and for settings of the kernel that have drifted, all in one call.
  - Fails with all problems at once, each with its cure.
  - If the play has a password for the host, it logs in once more without it, because sshd is about to refuse passwords.
extends_documentation_fragment:
  - landfall.django._attributes.read_only
  - landfall.django._attributes.direct
attributes:
  action:
    description: The fresh login is made from the controller, and the host is sent only what the work needs.
    support: full
options:
  ssh:
    description: Whether sshd is to be hardened.
    type: bool
    default: true
  ssh_options:
    description: Options of sshd over the role's own.
    type: dict
    default: {}
  firewall:
    description: Whether the host is to have a firewall.
    type: bool
    default: true
  allowed_ports:
    description: Ports and ranges of ports that everybody may reach, or only those who come from a network or by an
      interface, as in V(9100 from 10.8.0.0/24).
    type: list
    elements: str
    default: []
  container_ports:
    description: Ports and ranges of ports of the host that its containers may reach.
    type: list
    elements: str
    default: []
  upgrades:
    description: Whether security upgrades are to install themselves.
    type: bool
    default: true
  reboot_time:
    description: When the host may be rebooted after an upgrade.
    type: str
    default: ""
  time:
    description: Whether the clock is to be synchronised.
    type: bool
    default: true
  fail2ban:
    description: Whether addresses that fail to log in are to be banned.
    type: bool
    default: false
  journal:
    description: Whether the journal is to be kept on the disk.
    type: bool
    default: false
  sysctl:
    description: Settings of the kernel, by name.
    type: dict
    default: {}
  swap_mib:
    description: Size of the swap file in MiB. V(0) for none.
    type: int
    default: 0
  connection:
    description: Name of the connection plugin. Set by the action plugin.
    type: str
    default: ansible.builtin.ssh
"""

EXAMPLES = r"""
- name: Find out what is missing
  landfall.django.hardening_probe:
    allowed_ports: [80, 443, 51820/udp]
  register: probe
"""

RETURN = r"""
tcp_ports:
  description: Ports and ranges that are to be open, with those of sshd.
  type: list
  elements: str
  returned: success
udp_ports:
  description: The same for UDP.
  type: list
  elements: str
  returned: success
visitors:
  description: To whom further ports are open. Each with C(match), which tells them in nftables, and with the ports and
    ranges as C(tcp) and C(udp).
  type: list
  elements: dict
  returned: success
container_tcp_ports:
  description: Ports and ranges that are to be open to containers.
  type: list
  elements: str
  returned: success
container_udp_ports:
  description: The same for UDP.
  type: list
  elements: str
  returned: success
ssh_ports:
  description: The ports that sshd listens on, and the one of this login.
  type: list
  elements: int
  returned: success
sysctl_drifted:
  description: Those of O(sysctl) that have another value in the kernel. In a container, of its network only.
  type: list
  elements: str
  returned: success
container:
  description: Whether the host is a container, which shares its kernel.
  type: bool
  returned: success
user:
  description: The user who is logged in over ssh; empty for any other connection.
  type: str
  returned: success
packages:
  description: The packages that are missing.
  type: list
  elements: str
  returned: success
units:
  description: The units that are not enabled or do not run; true for those that have to run.
  type: dict
  returned: success
journal_in_memory:
  description: Whether the journal is to be on the disk and is not.
  type: bool
  returned: success
firewall_active:
  description: Whether the unit of the role's firewall is active.
  type: bool
  returned: success
swap_missing:
  description: Whether the host is to get a swap file.
  type: bool
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._hardening.find_out import SPEC, result


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    answer = result(module.params, module.check_mode)
    for warning in answer.pop("warnings", ()):
        module.warn(warning)
    (module.fail_json if answer.get("failed") else module.exit_json)(**answer)


if __name__ == "__main__":
    main()
