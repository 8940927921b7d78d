# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what a project depends on: its lock file, the names of its packages, and its Python version.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Found, Tree, beneath, folder_of, found

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

# In the order in which the role stack takes them.
LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt")
_NAME_IN = {
    "uv.lock": re.compile(r'name = "([^"]+)"'),
    "poetry.lock": re.compile(r'name = "([^"]+)"'),
    "Pipfile.lock": re.compile(r' {8}"([^"]+)": \{'),
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")
_INCLUDE = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")
_SERIES = re.compile(r"(?:python-?|cpython-?)?(3\.\d+)(?:\.\d+)?")
# Newest first, after the one that the base image has by default.
_PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9")
_VERSIONS = (
    ("pyproject.toml", re.compile(r"""requires-python\s*=\s*["']([^"']+)["']""")),
    ("pyproject.toml", re.compile(r"""python\s*=\s*["']([^"']+)["']""")),
    ("Pipfile", re.compile(r"""python_(?:full_)?version\s*=\s*["']([^"']+)["']""")),
)


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


def python_version(tree: Tree, base: str) -> Found | None:
    """Return the Python series, such as 3.12, or the versions, such as >=3.11, that the project asks for."""
    for name in (".python-version", "runtime.txt"):
        path = beneath(base, name)
        for number, line in tree.lines(path)[:1]:
            if match := _SERIES.fullmatch(line.strip()):
                return Found(match[1], f"{path}:{number}")
    for name, pattern in _VERSIONS:
        path = beneath(base, name)
        for number, line in tree.lines(path):
            if match := pattern.match(line.strip()):
                series = _SERIES.fullmatch(match[1])
                return found(series[1] if series else match[1], f"{path}:{number}")
    return None


def python_series(wanted: str, default: str) -> str:
    """Return the series to use: `default` where it fits, else the newest that does; nothing if none is known."""
    if re.fullmatch(r"3\.\d+", wanted):
        return wanted
    # Of Ansible itself, but not where its sanity tests import this file.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(_without_caret(wanted))
    except InvalidSpecifier:
        return ""
    return next((series for series in (default, *_PYTHONS) if _fits(series, allowed)), "")


def _fits(series: str, allowed: SpecifierSet) -> bool:
    return allowed.contains(series) or allowed.contains(f"{series}.99")


def _without_caret(wanted: str) -> str:
    """Poetry's own signs: ^3.11 is any Python 3 from there, ~3.11 is that series."""
    wanted = re.sub(r"\^\s*3(\.\d+)?(\.\d+)?", lambda match: f">={match[0].lstrip('^ ')},<4", wanted)
    return re.sub(r"(?<![~=!<>])~\s*(3\.\d+)(\.\d+)?", r"==\1.*", wanted)
