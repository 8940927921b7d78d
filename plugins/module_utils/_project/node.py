# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the front ends of a project: folders with a package.json that has a build script, and a lock file.

Private to this collection.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass

_NPM = ("package-lock.json", "npm-shrinkwrap.json")
# Where package.json does not name the version of its package manager.
_MANAGERS = {"pnpm-lock.yaml": "pnpm@10", "yarn.lock": "yarn@1"}


@dataclass(frozen=True)
class FrontEnd:
    """Its folder in the build context, the files to install by, and the commands to install and to build."""

    folder: str
    files: list[str]
    install: str
    build: str


def front_ends(paths: Collection[str], read: Callable[[str], str | None]) -> list[FrontEnd]:
    """Return the front ends, those of the upper folders first. A package.json that cannot be read is none."""
    packages = [path for path in paths if posixpath.basename(path) == "package.json"]
    found = (_front_end(path, paths, read) for path in sorted(packages, key=lambda path: (path.count("/"), path)))
    return [one for one in found if one]


def _front_end(path: str, paths: Collection[str], read: Callable[[str], str | None]) -> FrontEnd | None:
    folder = posixpath.dirname(path)
    try:
        package = json.loads(read(path) or "")
    except ValueError:
        return None
    if not isinstance(package, dict) or "build" not in (package.get("scripts") or {}):
        return None
    beside = (name for name in (*_NPM, *_MANAGERS) if posixpath.join(folder, name) in paths)
    lock = next(beside, None)
    if lock is None:
        return None
    settings = (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml")
    names = ["package.json", lock, *(name for name in settings if posixpath.join(folder, name) in paths)]
    files = [posixpath.join(folder, name) for name in names]
    if lock in _NPM:
        return FrontEnd(folder, files, "npm ci", "npm run build")
    named = str(package.get("packageManager") or "").partition("+")[0]
    manager = named if named.partition("@")[0] in ("yarn", "pnpm") else _MANAGERS[lock]
    if manager.startswith("yarn@") and not manager.startswith("yarn@1"):
        run, option = f"npx --yes @yarnpkg/cli-dist@{manager.partition('@')[2]}", "--immutable"
    else:
        run, option = f"npx --yes {manager}", "--frozen-lockfile"
    # The version is the project's own text.
    run = " ".join(shlex.quote(word) for word in run.split())
    return FrontEnd(folder, files, f"{run} install {option}", f"{run} run build")
