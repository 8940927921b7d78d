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
  - Takes a lock on the host that lasts from task to task until it is released, or until the connection of the play that
    took it is gone. So a play that was killed does not block the next one.
  - If another play holds the lock, the task waits for O(wait), and then fails with the name of the holder. A holder
    that ran on the same machine and is dead loses the lock at once, even while its connection lingers.
  - A play with several names for one host takes the lock for all of them, if its strategy runs each task on all hosts
    together. RV(turn) numbers the names. Under another strategy, such as P(ansible.builtin.free#strategy), each name
    waits for the others.
attributes:
  action:
    description: It runs on the controller, to find out whether the play of a holder there is still alive.
    support: full
  async:
    description: The lock would end with the task.
    support: none
  check_mode:
    description: Skipped.
    support: none
  diff_mode:
    description: Nothing is shown.
    support: none
options:
  path:
    description: The lock's file on the host.
    type: path
    required: true
  what:
    description: What the lock is for, for the message of a play that does not get it.
    type: str
    default: another run
  state:
    description: Whether to take or release the lock.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Seconds to wait for another play to release the lock.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Lock the stack against other deployments
  landfall.django.lock:
    path: /run/landfall-shop.lock
    what: a deployment of shop
"""

RETURN = r"""
holder:
  description: The play that holds the lock.
  type: dict
  returned: failure
  sample: {"by": "ann@laptop", "since": "2026-11-25T03:31:29+00:00"}
turn:
  description: Number of this name among those that the play has for the host, from 0.
  type: int
  returned: success
"""
