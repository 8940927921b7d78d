# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: processes
short_description: Return the kinds and commands of a stack's processes
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Reads from each command whether it starts a Celery worker, a Celery beat, both or another program, and returns the
    command for Docker Compose. A beat comes after all other processes.
options:
  _input:
    description: Names, and commands or dictionaries, as in O(landfall.django.stack#role:main:stack_processes).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which processes are workers
  ansible.builtin.debug:
    msg: "{{ stack_processes | landfall.django.processes | selectattr('kind', 'equalto', 'worker') }}"
"""

RETURN = r"""
_value:
  description: For each process its C(name), its C(kind) (V(worker), V(beat), V(both) or V(other)), whether
    C(celery_heartbeat.py) watches it (C(watched)), its C(command), which is a list of words if it is watched, its
    C(memory), C(replicas) and C(stop_timeout), and C(containers), a list that has its name once for each replica.
  type: list
  elements: dict
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._project.processes import processes as parsed


def processes(given: dict[str, Any]) -> list[dict[str, Any]]:
    if not isinstance(given, dict):
        raise AnsibleFilterError(f"landfall.django.processes needs a dictionary, not {type(given).__name__}")
    try:
        return [{**asdict(process), "containers": [process.name] * process.replicas} for process in parsed(given)]
    except ValueError as error:
        raise AnsibleFilterError(f"landfall.django.processes: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]]:
        return {"processes": processes}
