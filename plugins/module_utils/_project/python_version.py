# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Choose the Python image by the version that a project names.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

# The first one that fits is taken.
_OFFERED = ((3, 13), (3, 14), (3, 12), (3, 11), (3, 10), (3, 9))
_IMAGE = re.compile(r"(?:^|/)python:(\d+)\.(\d+)")
_PIN = re.compile(r"(?:c?python-?)?(\d+(?:\.\d+)*)")
_CLAUSE = re.compile(r"(===?|~=|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+)*)(?:\.\*)?")
# The newest patch of a series, which the image has.
_NEWEST = 999

Version = tuple[int, ...]


class Named(NamedTuple):
    """A demand for a Python version: the file it is in, and the specifier, as in `>=3.11`."""

    place: str
    specifier: str


def named(
    read: Callable[[str], str | None], pyproject: Mapping[str, Any], pipfile: Mapping[str, Any], folder: str = ""
) -> Iterator[Named]:
    """Yield what the files of a folder (a prefix that ends with a slash) demand."""
    for name in (".python-version", "runtime.txt"):
        lines = (line.strip() for line in (read(folder + name) or "").splitlines())
        found = _PIN.match(next((line for line in lines if line and not line.startswith("#")), ""))
        if found:
            yield Named(name, f"=={found[1]}")
    requires = pipfile.get("requires", {})
    poetry = pyproject.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for place, specifier in (
        ("Pipfile", requires.get("python_full_version") or requires.get("python_version")),
        ("pyproject.toml", pyproject.get("project", {}).get("requires-python")),
        ("pyproject.toml", poetry.get("python") if isinstance(poetry, Mapping) else None),
    ):
        if isinstance(specifier, str) and specifier:
            yield Named(place, specifier)


def image(given: str, demands: Sequence[Named]) -> str:
    """Return the image to build on: `given`, or the official one that meets all demands.

    Raises ValueError where there is none, or where the given image has another version by its name.
    """
    tag = _IMAGE.search(given)
    offered = ((int(tag[1]), int(tag[2])),) if tag else _OFFERED
    fitting = [version for version in offered if all(fits(version, one.specifier) for one in demands)]
    if given and (fitting or not tag):
        return given
    if fitting:
        return f"python:{fitting[0][0]}.{fitting[0][1]}-slim"
    wanted = " and ".join(f"{one.place} names '{one.specifier}'" for one in demands)
    if not given:
        raise ValueError(f"stack_python_image: {wanted}: set it to an image with that version of Python")
    cure = next((version for version in _OFFERED if all(fits(version, one.specifier) for one in demands)), None)
    example = f", such as python:{cure[0]}.{cure[1]}-slim" if cure else ""
    raise ValueError(
        f"stack_python_image: {given} has Python {tag[1] if tag else ''}.{tag[2] if tag else ''}, but {wanted}: leave"
        f" the variable empty, or set it to an image with that version{example}"
    )


def fits(series: Version, specifier: str) -> bool:
    """Return whether a series such as (3, 13) meets a specifier of a pyproject.toml or a Pipfile.

    A patch version counts only as a lower limit: the image has the newest one. What cannot be read, fits.
    """
    return any(
        all(_meets(series, clause) for clause in re.split(r"[,\s]+(?![\d.v])", part))
        for part in specifier.split("|")
        if part
    )


def _meets(series: Version, clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause.strip())
    if not found:
        return True
    limit = tuple(int(part) for part in found[2].split("."))
    newest = (*series, _NEWEST)
    same = series[: len(limit)] == limit[:2]
    if found[1] == "!=":
        return len(limit) > 2 or not same
    if found[1] in (">=", ">"):
        return newest > limit
    if found[1] == "<=":
        return series <= limit[:2]
    if found[1] == "<":
        return series < limit[:2] or (same and any(limit[2:]))
    if found[1] == "^" or (found[1] == "~=" and len(limit) == 2):
        return newest > limit and series[0] == limit[0]
    return same
