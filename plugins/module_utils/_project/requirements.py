# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether a requirements file is locked: one exact version and hash per line.

Private to this collection.
"""

from __future__ import annotations

import re

_EXACT = re.compile(r"[^=!<>~]===?[^=*]+$|\s@\s")
_HASH = re.compile(r"\s--hash=\S+")
_COMMENT = re.compile(r"(^|\s)#.*$")
# Options that include other files or folders, which are not checked here.
_ELSEWHERE = re.compile(r"(-[rce]|--(requirement|constraint|editable))\b")


def unlocked(text: str) -> list[str]:
    """Return the lines without an exact version or without a hash, which may install another package later."""
    lines = (_COMMENT.sub("", line).strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not _is_locked(line)]


def _is_locked(line: str) -> bool:
    if line.startswith("-"):
        return not _ELSEWHERE.match(line)
    requirement = _HASH.sub("", line).split(";")[0].strip()
    return bool(_HASH.search(line) and _EXACT.search(requirement))
