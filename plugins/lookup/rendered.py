# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: rendered
short_description: Render a template, sooner than the lookup template
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns what P(ansible.builtin.template#lookup) returns. That one copies each value of every variable for each
    template, which takes longer than to render it.
options:
  _terms:
    description: Template files.
    required: true
notes:
  - Every option of P(ansible.builtin.template#lookup) is passed on.
seealso:
  - plugin: ansible.builtin.template
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ lookup('landfall.django.rendered', 'nginx.conf.j2') }}"
"""

RETURN = r"""
_raw:
  description: The rendered files.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class Shared(dict[str, Any]):
    """Variables whose deep copy has the same values: the lookup adds some to it, and changes none."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return dict(self)


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        template = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        found: list[str] = template.run(terms, Shared(variables or {}), **kwargs)
        return found
