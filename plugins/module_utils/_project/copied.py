# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell rsync which files of a project's folder stay on the controller.

Private to this collection.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore

_LISTING = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")


def filters(patterns: Sequence[str], left_out: Collection[str], kept: Collection[str]) -> list[str]:
    """Return rsync's options: `kept` paths travel, then the last of the `patterns` decides, then `left_out` stays.

    Patterns are lines of a .dockerignore that begin with `**/`. Of rsync's options, the first one that matches decides.
    """
    options = [f"--include=/{_literal(path)}" for path in kept]
    for pattern in reversed(patterns):
        exception = pattern.startswith("!")
        options.append(f"--{'include' if exception else 'exclude'}={pattern[exception:].removeprefix('**/')}")
    return options + [f"--exclude=/{_literal(path)}" for path in sorted(left_out)]


def ignored_by_docker(root: str, ignore: Ignore, kept: Collection[str]) -> Iterator[str]:
    """Yield the paths that are no part of an image; of a folder that is none as a whole, only its own."""
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else f"{inside}/"
        for name in list(folders):
            path = prefix + name
            needed = ignore.has_exceptions or any(one.startswith(f"{path}/") for one in kept)
            if name == ".git" or (ignore.excludes(path) and not needed):
                folders.remove(name)
                yield f"{path}/"
        yield from (prefix + name for name in files if prefix + name not in kept and ignore.excludes(prefix + name))


def virtual_environments(root: str) -> Iterator[str]:
    """Yield the virtual environments in the folder and in those directly below it, whatever their names."""
    for folder in (root, *(entry.path for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False) and os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield f"{os.path.relpath(entry.path, root)}/"


def ignored_by_git(root: str) -> list[str]:
    """Return the paths that git ignores, also where the folder is in no repository. None if git is not installed."""
    try:
        # A folder that a repository around it ignores as a whole is seen as one of its own.
        if run(["git", "-C", root, "check-ignore", "--quiet", "."]).returncode == 1:
            return _listed(root, [])
        with tempfile.TemporaryDirectory() as empty:
            run(["git", "init", "--quiet", "--bare", empty])
            return _listed(root, [f"--git-dir={empty}", "--work-tree=."])
    except FileNotFoundError:
        return []


def _listed(root: str, options: Sequence[str]) -> list[str]:
    return [path for path in run(["git", "-C", root, *options, *_LISTING]).stdout.split("\0") if path]


def _literal(path: str) -> str:
    # rsync takes a backslash literally unless the pattern has a wildcard.
    return re.sub(r"([*?\[\\])", r"\\\1", path) if re.search(r"[*?\[]", path) else path
