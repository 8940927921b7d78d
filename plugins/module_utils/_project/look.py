# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at a project's source on the host: its digest, its Dockerfile, or what a generated one says.

Behind the module `source_probe` and its action. Private to this collection.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import asdict
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._files import beneath
from ansible_collections.landfall.django.plugins.module_utils._project import build, image_cache, profile, refresh
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore
from ansible_collections.landfall.django.plugins.module_utils._project.source import digest, lfs_pointers, paths

LIMIT = 16 << 20  # bytes of a file that is read
SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "path": {"type": "str", "required": True},
    "subdir": {"type": "str", "default": ""},
    "dockerfile": {"type": "str", "default": "Dockerfile"},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "wanted": {
        "type": "dict",
        "default": {},
        "apply_defaults": True,
        "options": {
            "requirements_file": {"type": "str", "default": ""},
            "groups": {"type": "list", "elements": "str", "default": []},
            "python_image": {"type": "str", "default": ""},
            "manage_command": {"type": "str", "default": "python3 manage.py"},
            "web_command": {"type": "str", "default": ""},
            "drivers": {"type": "list", "elements": "str", "default": []},
        },
    },
    "refreshed": {"type": "str", "default": ""},
    "refresh_days": {"type": "int", "default": 0},
    "refresh": {"type": "bool", "default": False},
    "repository": {"type": "str", "default": ""},
    "image_cache": {"type": "str", "default": ""},
    "profile_cache": {"type": "str", "default": ""},
}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    root = os.path.expanduser(os.path.expandvars(given["path"]))
    if check_mode and not os.path.isdir(root):
        return {"changed": False}
    try:
        return {
            "changed": False,
            **_look(root, given),
            "base": asdict(_base_of(given)),
            "images": image_cache.names(given["repository"]) if given["repository"] else [],
            "image": image_cache.last(given["image_cache"]),
            "profile": profile.kept(given["profile_cache"]),
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


def _check_folder(root: str, name: str) -> None:
    """Raise ValueError unless it is a folder inside the source."""
    folder, top = os.path.realpath(os.path.join(root, name)), os.path.realpath(root)
    if os.path.commonpath([folder, top]) != top:
        raise ValueError(f"stack_project_subdir: {name} leads out of the project: name a folder in it")
    if not os.path.isdir(folder):
        raise ValueError(f"stack_project_subdir: the project has no folder {name}: correct the path")


def _look(root: str, given: dict[str, Any]) -> dict[str, Any]:
    """What there is to know about the source itself."""
    subdir = os.path.normpath(given["subdir"]) if given["subdir"] else ""
    wanted, own = given["wanted"], given["dockerfile"]
    _check_folder(root, subdir)
    context = build.context(subdir, own, wanted["requirements_file"], lambda name: _exists(root, name))
    top = os.path.join(root, context)
    dockerfile = (_text(top, own) or "") if own else ""
    if not dockerfile and own not in ("", "Dockerfile"):
        raise ValueError(
            f"stack_dockerfile: the project has no {own}: correct the path, or leave it empty to generate one"
        )
    ignores = (_text(top, name) for name in ([f"{own}.dockerignore"] if dockerfile else []) + [".dockerignore"])
    dockerignore = next((found for found in ignores if found is not None), "")
    ignore = Ignore([*dockerignore.splitlines(), *given["ignore"]])
    pointers = lfs_pointers(top, ignore) if "filter=lfs" in (_text(root, ".gitattributes") or "") else []
    if pointers:
        raise ValueError(
            f"{pointers[0]} is only a pointer of Git LFS, one of {len(pointers)}: run 'git lfs pull' in"
            f" stack_project_dir, or remove {root} on the host to have the repository cloned again"
        )
    found: dict[str, Any] = {}
    if not dockerfile:
        inner = os.path.relpath(subdir or ".", context or ".")
        wish = build.Wanted(subdir="" if inner == "." else inner, **wanted)
        found = asdict(build.plan(wish, paths(top, ignore), lambda name: _text(top, name)))
    return {
        "context": context,
        "digest": digest(top, ignore),
        "dockerfile": dockerfile,
        "dockerignore": dockerignore,
        "build": found,
    }


def _base_of(given: dict[str, Any]) -> refresh.Base:
    stamp = ""
    if given["refreshed"]:
        with contextlib.suppress(FileNotFoundError), open(given["refreshed"], encoding="utf-8") as stream:
            stamp = stream.read().strip()
    return refresh.base(stamp, time.time(), given["refresh_days"], given["refresh"])
