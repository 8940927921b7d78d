# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that several modules share; doc_fragments/_project.py documents them.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import MISSING, fields
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._secrets.store import OWNERS as _UIDS

PROJECT: dict[str, Any] = {"project_src": {"type": "path", "required": True}}
NAME: dict[str, Any] = {"project_name": {"type": "str", "required": True}}
BY: dict[str, Any] = {"by": {"type": "str", "default": ""}}
FRONT: dict[str, Any] = {
    "front_root": {"type": "str", "default": ""},
    "front_network": {"type": "str", "required": True},
}
MANAGE: dict[str, Any] = {"manage_command": {"type": "str", "default": "python3 manage.py"}}
OWNERS: dict[str, Any] = {"owners": {"type": "dict", "default": _UIDS}}

_TYPES = {
    "str": {"type": "str"},
    "int": {"type": "int"},
    "bool": {"type": "bool"},
    "tuple[str, ...]": {"type": "list", "elements": "str"},
    "tuple[Mapping[str, Any], ...]": {"type": "list", "elements": "dict"},
}


def spec_of(contract: type, paths: Collection[str] = (), required: Collection[str] = ()) -> dict[str, Any]:
    """Return the argument spec of a dataclass, so that a module's options are not listed a second time.

    A field without a default is required, and so are those in `required`; fields in `paths` are of the type path. The
    metadata of a field are further keys of its option.
    """
    return {
        field.name: {
            **({"type": "path"} if field.name in paths else _TYPES[str(field.type)]),
            **field.metadata,
            **(
                {"required": True}
                if field.default is MISSING or field.name in required
                else {"default": list(field.default) if isinstance(field.default, tuple) else field.default}
            ),
        }
        for field in fields(contract)
    }
