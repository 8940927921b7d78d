# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a project's source on the host: its digest, and the files that the build asks for.

Behind the module `source_probe` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._files import beneath
from ansible_collections.landfall.django.plugins.module_utils._project import image_cache
from ansible_collections.landfall.django.plugins.module_utils._project.requirements import unlocked
from ansible_collections.landfall.django.plugins.module_utils._project.source import digest

LIMIT = 4 << 20  # bytes of a file that is read
SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "path": {"type": "str", "required": True},
    "find": {"type": "list", "elements": "str", "default": []},
    "read": {"type": "list", "elements": "str", "default": []},
    "repository": {"type": "str", "default": ""},
    "image_cache": {"type": "str", "default": ""},
}
_REQUIREMENTS = "requirements.txt"


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    root = os.path.expanduser(os.path.expandvars(given["path"]))
    if check_mode and not os.path.isdir(root):
        return {"changed": False}
    try:
        found = [name for name in given["find"] if _exists(root, name)]
        texts = {name: _text(root, name) for name in given["read"]}
        return {
            "changed": False,
            "digest": digest(root),
            "found": found,
            "unlocked": unlocked(_text(root, _REQUIREMENTS) or "") if found[:1] == [_REQUIREMENTS] else [],
            "images": image_cache.names(given["repository"]) if given["repository"] else [],
            "image": image_cache.last(given["image_cache"]),
            "content": {name: content for name, content in texts.items() if content is not None},
        }
    except (OSError, ValueError) as error:
        return {"failed": True, "msg": f"the source tree {root} cannot be used: {error}"}


def _exists(root: str, name: str) -> bool:
    with beneath.open_file(root, name) as pin:
        return pin is not None


def _text(root: str, name: str) -> str | None:
    content = beneath.read(root, name, LIMIT)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name!r} is not UTF-8 text: {error.reason} at byte {error.start}") from error
