# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: sizes
short_description: Return the sizes of a stack's services for a host
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns memory limits, numbers of workers and the sizes of the database and Redis, which together fit the stack's
    share of the host.
options:
  _input:
    description: The C(memory_mib) and C(cores) of the host, and the number of C(stacks) on it.
    type: dict
    required: true
  database:
    description: Kind of the database, as in the variable V(stack_database).
    type: str
    default: none
  redis:
    description: Whether the stack has a Redis.
    type: bool
    default: true
  replicas:
    description: Number of web containers.
    type: int
    default: 1
  processes:
    description: The other processes, as P(landfall.django.processes#filter) returns them. By default one worker and one
      beat.
    type: list
    elements: dict
  given:
    description: Sizes to keep to, as in the variable V(stack_sizes).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the sizes of a stack on a host with 4 GiB
  ansible.builtin.debug:
    msg: "{{ {'memory_mib': 3915, 'cores': 2, 'stacks': 1} | landfall.django.sizes(database=stack_database) }}"
"""

RETURN = r"""
_value:
  description: Every size of V(stack_sizes), and C(memory_mib) and C(cores) of the host. What the stack does not have is
    0.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import Shape
from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import sizes as computed


def sizes(
    host: Mapping[str, int],
    database: str = "none",
    redis: bool = True,
    replicas: int = 1,
    processes: Sequence[Mapping[str, Any]] | None = None,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    shape = Shape(ENGINES.get(database), redis, int(replicas))
    if processes is not None:
        beats = sum(process["kind"] == "beat" for process in processes)
        others = sum(int(process["replicas"]) for process in processes if process["kind"] != "beat")
        shape = Shape(shape.engine, redis, shape.replicas, others, beats)
    try:
        return asdict(computed(host, shape, given))
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"landfall.django.sizes: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"sizes": sizes}
