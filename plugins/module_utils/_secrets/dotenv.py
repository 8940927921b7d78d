# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write and read the one dotenv form that Docker Compose carries byte for byte.

Private to this collection.
"""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ASSIGNMENT = re.compile(r'^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$', re.MULTILINE)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "$$", "\n": "\\n"}
_UNESCAPES = {escaped: plain for plain, escaped in _ESCAPES.items()}


def quote(value: object) -> str:
    """Return `value` between double quotes, escaped for Compose's dotenv parser.

    Of the forms Compose reads, only this one keeps every value: unquoted ones lose `$`, `#` and spaces,
    single-quoted ones cannot end in a backslash, and `format: raw` cuts at a newline.
    """
    text = "" if value is None else str(value)
    if "\0" in text:
        raise ValueError("an environment variable cannot hold a NUL character")
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def dump(variables: dict[str, object]) -> str:
    """Return the lines `NAME="value"` of a dotenv file, in the order given."""
    lines = []
    for name, value in variables.items():
        if not NAME.match(str(name)):
            raise ValueError(f"{name!r} is not a valid variable name: use letters, digits and underscores")
        try:
            lines.append(f"{name}={quote(value)}")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return "\n".join(lines)


def load(text: str) -> dict[str, str]:
    """Parse the lines that `dump` wrote; lines of any other form are ignored."""
    return {name: _unquote(value) for name, value in _ASSIGNMENT.findall(text)}


def _unquote(value: str) -> str:
    return re.sub(r'\\[\\"n]|\$\$', lambda match: _UNESCAPES[match.group()], value)
