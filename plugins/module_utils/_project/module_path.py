# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the folders in which a stack's commands look for Python modules, beside the working directory.

Private to this collection.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence

# Options of gunicorn and others.
_OPTIONS = ("--chdir", "--pythonpath", "--app-dir")


def folders(python_path: str, commands: Sequence[str]) -> list[str]:
    """Return the folders of PYTHONPATH, of the scripts that the commands run, and of their options."""
    found = [folder for folder in python_path.split(":") if folder]
    for command in commands:
        found += _of_command(command)
    return list(dict.fromkeys(found))


def _of_command(command: str) -> Iterator[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    for word, following in zip(words, [*words[1:], ""]):
        name, given, value = word.partition("=")
        if name in _OPTIONS:
            yield from (value if given else following).split(",")
        elif word.endswith(".py") and "/" in word and not word.startswith("-"):
            yield posixpath.dirname(word)
