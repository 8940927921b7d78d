# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a requirements file names one package a line, byte for byte.

Private to this collection.
"""

from __future__ import annotations

import re

_EXACT = re.compile(r"[^=!<>~]===?[^=*]+$|\s@\s")
_HASH = re.compile(r"\s--hash=\S+")
_COMMENT = re.compile(r"(^|\s)#.*$")
# Other files, whose lines are not seen here, and folders.
_ELSEWHERE = re.compile(r"(-[rce]|--(requirement|constraint|editable))\b")


def unlocked(text: str) -> list[str]:
    """The lines that may bring something else tomorrow: without one exact version, or without a hash."""
    lines = (_COMMENT.sub("", line).strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not _is_locked(line)]


def _is_locked(line: str) -> bool:
    if line.startswith("-"):
        return not _ELSEWHERE.match(line)
    requirement = _HASH.sub("", line).split(";")[0].strip()
    return bool(_HASH.search(line) and _EXACT.search(requirement))
