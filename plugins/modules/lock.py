#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lock
short_description: Let only one play at a time work at something
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Takes a lock on the host that stays from task to task until it is released, or until the connection of the play that
    took it is gone. So a play that was killed does not block the next one.
  - Where another play has the lock, the task waits for O(wait), and then fails and says who has it since when. A holder
    that ran on the same machine and is dead gives way at once, also while its connection lingers.
  - A play that knows the host by several names takes the lock for all of them where it goes from task to task with all
    hosts together. RV(turn) tells them apart. Under another strategy, such as P(ansible.builtin.free#strategy), each
    name waits for the others.
attributes:
  action:
    description: It runs on the controller, which alone knows whether an earlier play there still lives.
    support: full
  async:
    description: The lock would end with the task.
    support: none
  check_mode:
    description: Skipped.
    support: none
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  path:
    description: The lock's file on the host.
    type: path
    required: true
  what:
    description: What the lock is for, in the message for whoever comes second.
    type: str
    default: another run
  state:
    description: Whether to take the lock or to let it go.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Seconds to wait for another play to let the lock go.
    type: int
    default: 0
  name:
    description: The host's name in the inventory. Set by the action plugin.
    type: str
    default: ""
  by:
    description: Who takes it. Set by the action plugin.
    type: str
  token:
    description: What tells one play from another. Set by the action plugin.
    type: str
  instead_of:
    description: Token of a holder known to be dead. Set by the action plugin.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Let nobody else deploy this stack meanwhile
  landfall.django.lock:
    path: /run/landfall-shop.lock
    what: a deployment of shop
"""

RETURN = r"""
holder:
  description: Who has the lock, where it is somebody else.
  type: dict
  returned: failure
  sample: {"by": "ann@laptop", "since": "2026-11-25T03:31:29+00:00"}
turn:
  description: Place of this name of the host among those that the play has for it, from 0.
  type: int
  returned: success
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files import lease


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "what": {"type": "str", "default": "another run"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "wait": {"type": "int", "default": 0},
            "name": {"type": "str", "default": ""},
            "by": {"type": "str"},
            "token": {"type": "str", "no_log": False},
            "instead_of": {"type": "str", "default": ""},
        },
    )
    path, token = Path(module.params["path"]), module.params["token"] or ""
    if module.params["state"] == "absent":
        lease.release(path, token)
        module.exit_json(changed=False)
    by, more = module.params["by"] or "somebody", {name: module.params[name] for name in ("name", "instead_of")}
    taken = lease.take(path, by, token, watched=lease.connection(os.getpid()), **more)
    if taken.holder is not None:
        who, since = taken.holder.get("by", "somebody"), taken.holder.get("since", "a moment ago")
        module.fail_json(
            msg=f"{module.params['what']} by {who} has been running since {since}: run this again when it has ended.",
            holder=taken.holder,
        )
    module.exit_json(changed=False, turn=taken.turn)


if __name__ == "__main__":
    main()
