# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read requirements files: what they include, and whether they are locked (one exact version and hash per line).

Private to this collection.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_EXACT = re.compile(r"[^=!<>~]===?[^=*]+$|\s@\s")
_HASH = re.compile(r"\s--hash=\S+")
_COMMENT = re.compile(r"(^|\s)#.*$")
# Options that include other files or folders, which are not checked here.
_ELSEWHERE = re.compile(r"(-[rce]|--(requirement|constraint|editable))\b")
_INCLUDED = re.compile(r"(?:-[rc]|--(?:requirement|constraint))[\s=]*(?P<path>[^\s=].*)")
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]*(?P<path>[^\s=].*)")


def unlocked(text: str) -> list[str]:
    """Return the lines without an exact version or without a hash, which may install another package later."""
    return [line for line in _lines(text) if not _is_locked(line)]


def closure(name: str, read: Callable[[str], str | None]) -> dict[str, str]:
    """Return the text of a requirements file and of all files that it includes, by their paths; `name` comes first.

    `read` returns the text of a file, or None where it does not exist: a file that is missing is left to the installer.
    """
    found: dict[str, str] = {}
    ahead = [name]
    while ahead:
        path = ahead.pop()
        text = None if path in found else read(path)
        if text is not None:
            found[path] = text
            ahead += [posixpath.normpath(posixpath.join(posixpath.dirname(path), one)) for one in _includes(text)]
    return found


def unlocked_in(files: dict[str, str]) -> list[str]:
    """Return the unlocked lines of a file with its included files, which are checked themselves."""
    return [line for text in files.values() for line in unlocked(text) if not _INCLUDED.match(line)]


def local_paths(text: str) -> list[str]:
    """Return the folders and files that a requirements file installs, as it names them: from where pip runs."""
    found = []
    for line in _lines(text):
        editable = _EDITABLE.match(line)
        target = re.split(r"\s*;|\s", editable["path"] if editable else line)[0]
        target = re.sub(r"\[[\w,.-]*\]$", "", target)
        if target.startswith(("./", "../")) or target in {".", ".."} or (editable and ":" not in target):
            found.append(target)
    return found


def _includes(text: str) -> list[str]:
    matches = (_INCLUDED.match(line) for line in _lines(text))
    return [match["path"].strip() for match in matches if match and "://" not in match["path"]]


def _lines(text: str) -> list[str]:
    lines = (_COMMENT.sub("", line).strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line]


def _is_locked(line: str) -> bool:
    if line.startswith("-"):
        return not _ELSEWHERE.match(line)
    requirement = _HASH.sub("", line).split(";")[0].strip()
    return bool(_HASH.search(line) and _EXACT.search(requirement))
