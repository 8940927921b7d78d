# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a set of files with the host, check it, and replace what differs.

Behind the module `tree` and its action. Private to this collection.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._files import tree

_MEMORY = "/run"
_ENTRY = {
    "path": {"type": "str", "required": True},
    "content": {"type": "raw"},
    "target": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "secret": {"type": "bool", "default": False, "no_log": False},
    "keep": {"type": "bool", "default": False},
    "first": {"type": "bool", "default": False},
    "recurse": {"type": "bool", "default": False},
    "mode": {"type": "str"},
    "owner": {"type": "str", "default": "0"},
    "group": {"type": "str", "default": "0"},
}
SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "root": {"type": "str", "required": True},
    "entries": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": _ENTRY},
    "validate": {"type": "list", "elements": "str", "default": []},
    "beside": {"type": "list", "elements": "str", "default": []},
}


class _RefusedError(Exception):
    """The program that checks the files refuses them."""


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what the options of SPEC say, or only find out what there is to do. Return the result of the task."""
    root = os.path.expanduser(os.path.expandvars(given["root"]))
    secret = {os.path.join(root, one["path"]) for one in given["entries"] if one["secret"]}
    try:
        entries = [tree.entry(one) for one in given["entries"]]
        found = tree.changes(root, entries)
        warnings = [] if check_mode else _bring(root, entries, found, given)
    except (OSError, ValueError, _RefusedError) as error:
        return {"failed": True, "msg": str(error)}
    files = [change for change in found if change.content and change.entry.kind != tree.FOLDER]
    return {
        "changed": bool(found),
        "paths": [change.path for change in found],
        "before": {
            change.path: change.before.decode(errors="replace")
            for change in files
            if change.before is not None and change.path not in secret
        },
        "diff": [_shown(change, change.path in secret) for change in files],
        "warnings": warnings,
    }


def _bring(root: str, entries: list[tree.Entry], found: list[tree.Change], given: dict[str, Any]) -> list[str]:
    warnings = tree.apply(change for change in found if change.entry.first)
    rest = [change for change in found if not change.entry.first]
    if given["validate"] and any(change.content and change.entry.kind != tree.FOLDER for change in rest):
        _validate(root, [entry for entry in entries if not entry.first], given["beside"], given["validate"])
    return [*warnings, *tree.apply(rest)]


def _validate(root: str, entries: list[tree.Entry], beside: Sequence[str], validate: Sequence[str]) -> None:
    # In memory, since some may be secret: if the host crashes meanwhile, nothing stays on the disk.
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="landfall-") as private:
        laid = os.path.join(private, "tree")
        os.mkdir(laid)
        tree.stage(root, entries, beside, laid)
        # A program that is not root reads it where it is mounted; here the folder above keeps others out.
        Path(laid).chmod(0o755)
        done = run([word.replace("{tree}", laid) for word in validate])
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip()).replace(laid, root)
        raise _RefusedError(f"{validate[0]} refused the files, nothing was changed: {output}")


def _shown(change: tree.Change, secret: bool) -> dict[str, str]:
    if secret:
        return {"prepared": f"{change.path}: the content may be secret and is not shown\n"}
    after = change.entry.content if change.entry.kind == tree.FILE else b""
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": (change.before or b"").decode(errors="replace"),
        "after": after.decode(errors="replace"),
    }
