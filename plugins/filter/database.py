# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: database
short_description: Return what templates need to know of a database engine
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Returns the default image, the scheme and port of a database URL, the Debian packages of the driver, and the script
    for the first start of the image.
options:
  _input:
    description: Name of the engine, as in the variable V(stack_database).
    type: str
    required: true
  tls:
    description: How an external server is reached, as in the variable V(stack_database_tls).
    type: str
    default: disable
  ca_file:
    description: Path of its certificate authority in the project's containers. Empty for the authorities of the image.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the default image of PostgreSQL
  ansible.builtin.debug:
    msg: "{{ ('postgresql' | landfall.django.database).image }}"
"""

RETURN = r"""
_value:
  description: The facts V(image), V(scheme), V(port), V(build_packages), V(run_packages), V(drivers), V(init_script)
    and V(url_options).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.landfall.django.plugins.module_utils._database.engine import DISABLE
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES, by_name


def database(name: str, tls: str = DISABLE, ca_file: str = "") -> dict[str, Any]:
    try:
        engine = by_name(name)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error
    return {
        "image": engine.image,
        "scheme": engine.scheme,
        "port": engine.port,
        # Of every engine: a project may name the driver of one that it does not use.
        "build_packages": sorted({name for one in ENGINES.values() for name in one.packages.build}),
        "run_packages": list(engine.packages.run),
        "drivers": list(engine.drivers),
        "init_script": engine.init_script,
        "url_options": engine.url_options(tls, ca_file),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"database": database}
