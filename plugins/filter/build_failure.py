# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: build_failure
short_description: Return the reason why an image could not be built
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Finds the line that says what is wrong in the result of a failed M(community.docker.docker_image_build). Where the
    build had no network, the reason begins with that.
options:
  _input:
    description: The result of the failed task.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show why the image could not be built
  ansible.builtin.fail:
    msg: "{{ (built | landfall.django.build_failure).reason }}"
"""

RETURN = r"""
_value:
  description: The C(reason) in one sentence, and the last lines of the C(log) as a list.
  type: dict
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._release import hints


def build_failure(result: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise AnsibleFilterError(f"landfall.django.build_failure needs a dictionary, not {type(result).__name__}")
    output = str(result.get("stderr") or result.get("module_stderr") or "")
    return asdict(hints.build_failure(output, str(result.get("msg") or "the builder printed nothing")))


class FilterModule:
    def filters(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {"build_failure": build_failure}
