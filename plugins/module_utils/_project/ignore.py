# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell which files a .dockerignore keeps out of an image.

Private to this collection.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

_TOKEN = re.compile(
    r"(?P<any>\*\*/?)|(?P<part>\*)|(?P<one>\?)|(?P<set>\[[^]/]+\])|\\(?P<literal>.)|(?P<text>.)", re.DOTALL
)


class Ignore:
    """The patterns of a .dockerignore. The last one that matches a path, or a folder that it is in, decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        given = (line.strip() for line in lines)
        self._rules = [_rule(line) for line in given if line and not line.startswith("#")]

    @property
    def has_exceptions(self) -> bool:
        """Return whether a file may be part of the image although its folder is kept out."""
        return any(kept for _pattern, kept in self._rules)

    def excludes(self, path: str) -> bool:
        """Return whether the file of a path, relative to the build context, is kept out."""
        matching = (kept for pattern, kept in reversed(self._rules) if pattern.fullmatch(path))
        return not next(matching, True)


def _rule(line: str) -> tuple[re.Pattern[str], bool]:
    kept = line.startswith("!")
    pattern = posixpath.normpath(line[kept:].strip()).strip("/")
    return re.compile(f"(?:{_expression(pattern)})(?:/.*)?", re.DOTALL), kept


def _expression(pattern: str) -> str:
    found = []
    for token in _TOKEN.finditer(pattern):
        if token["any"]:
            found.append("(?:.*/)?" if token["any"].endswith("/") else ".*")
        elif token["part"]:
            found.append("[^/]*")
        elif token["one"]:
            found.append("[^/]")
        elif token["set"]:
            found.append(token["set"].replace("\\", "\\\\"))
        else:
            found.append(re.escape(token["literal"] or token["text"]))
    return "".join(found)
