# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: profile_refusal
short_description: Return why a project's settings do not fit a stack
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns a message with one line per problem, each with its cure. Empty where there is none that is not accepted.
positional: _input
options:
  _input:
    description: The C(profile) from M(landfall.django.project_profile).
    type: dict
    required: true
  accepted:
    description: Kinds of problems that are accepted, as in the variable V(stack_accepted).
    type: list
    elements: str
    default: []
  manage_command:
    description: How the stack runs Django's commands.
    type: str
    default: python3 manage.py
  engine:
    description: Kind of the stack's database. Empty without one.
    type: str
    default: ""
  database_hosts:
    description: Host names that lead to that database.
    type: list
    elements: str
    default: []
  kept:
    description: Folders of a container that outlive it.
    type: list
    elements: str
    default: []
  collects:
    description: Whether the stack collects static files into a folder that Nginx serves.
    type: bool
    default: true
  static_path:
    description: The folder of static files in the container.
    type: str
    default: ""
  media_path:
    description: The folder of uploads in the container. Empty for none.
    type: str
    default: ""
  health_path:
    description: The path of the health check.
    type: str
    default: ""
  routes:
    description: The paths of routes to other processes than C(web).
    type: list
    elements: str
    default: []
  service:
    description: What the stack's Compose override says of the service C(web).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ project.profile | landfall.django.profile_refusal(static_path='/app/staticfiles') }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._project.profile import mounted
from ansible_collections.landfall.django.plugins.module_utils._project.refusals import Stack, problems_of, refusal


def profile_refusal(
    profile: Mapping[str, Any],
    accepted: Sequence[str] = (),
    manage_command: str = "python3 manage.py",
    engine: str = "",
    database_hosts: Sequence[str] = (),
    kept: Sequence[str] = (),
    collects: bool = True,
    static_path: str = "",
    media_path: str = "",
    health_path: str = "",
    routes: Sequence[str] = (),
    service: Mapping[str, Any] | None = None,
) -> str:
    stack = Stack(
        manage_command=manage_command,
        engine=engine,
        database_hosts=tuple(database_hosts),
        kept=(*kept, *mounted(service or {})),
        collects=bool(collects),
        static_path=static_path,
        media_path=media_path,
        health_path=health_path,
        routes=tuple(routes),
    )
    return refusal(problems_of(profile, stack), accepted)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"profile_refusal": profile_refusal}
