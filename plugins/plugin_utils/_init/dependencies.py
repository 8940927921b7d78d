# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what a project depends on: its lock file and the names of its packages.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree, beneath, folder_of

# In the order in which the role stack takes them.
LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt")
_NAME_IN = {
    "uv.lock": re.compile(r'name = "([^"]+)"'),
    "poetry.lock": re.compile(r'name = "([^"]+)"'),
    "Pipfile.lock": re.compile(r' {8}"([^"]+)": \{'),
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")
_INCLUDE = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")


def lock_file(tree: Tree, base: str) -> str:
    """Return the path of the lock file that an image is built from, or nothing."""
    return next((path for name in LOCKS if tree.has(path := beneath(base, name))), "")


def packages(tree: Tree, base: str) -> dict[str, str]:
    """Return the normalized names of the packages, each with where it is. Without a lock, of all requirements."""
    lock = lock_file(tree, base)
    files = [lock] if lock else [beneath(base, "pyproject.toml"), *_requirements_files(tree, base)]
    listed: dict[str, str] = {}
    for file in files:
        for name, where in _names(tree, file, set()):
            listed.setdefault(re.sub(r"[-_.]+", "-", name).lower(), where)
    return listed


def _requirements_files(tree: Tree, base: str) -> list[str]:
    inside = f"{base}/" if base else ""
    return [path for path in tree.files if path.startswith(inside) and re.search(r"requirements\b.*\.(txt|in)$", path)]


def _names(tree: Tree, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    seen.add(path)
    name = path.rpartition("/")[2]
    if name == "pyproject.toml":
        for number, line in tree.lines(path):
            for quoted in re.findall(r"""["']([A-Za-z][A-Za-z0-9._-]+)[^"']*["']|^([A-Za-z][\w.-]*)\s*=""", line):
                yield "".join(quoted), f"{path}:{number}"
        return
    pattern = _NAME_IN.get(name, _REQUIREMENT)
    for number, line in tree.lines(path):
        included = _INCLUDE.match(line) if pattern is _REQUIREMENT else None
        inner = _normal(beneath(folder_of(path), included[1])) if included else ""
        if inner and inner not in seen and len(seen) < 50:
            yield from _names(tree, inner, seen)
        elif match := pattern.match(line):
            yield match[1], f"{path}:{number}"


def _normal(path: str) -> str:
    """Return a relative path without dots, or nothing if it leaves the project."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
