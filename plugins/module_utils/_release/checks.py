# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run several of the project's own management commands in one process: each start of Django costs a second.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Sequence

_MARK = "landfall-failed:"
# What `manage.py shell -c` runs. All in one function: what `exec` runs does not see its own names from within another.
# A command that fails is named last, after whatever it printed.
_CODE = """
def landfall(commands):
    import sys, traceback
    from django.core.management import execute_from_command_line
    for words in commands:
        try:
            execute_from_command_line(['manage.py', *words])
        except BaseException as error:
            if isinstance(error, SystemExit) and not error.code:
                continue
            if not isinstance(error, SystemExit):
                traceback.print_exc()
            sys.stdout.flush()
            print({mark!r} + words[0], file=sys.stderr)
            sys.exit(1)
landfall({commands!r})
"""


def code(commands: Sequence[Sequence[str]]) -> str:
    """Python code for `manage.py shell -c` that runs `commands`, each a list of words, until one fails."""
    return _CODE.format(mark=_MARK, commands=[list(words) for words in commands])


def failed(said: str) -> str:
    """The first word of the command that failed, from what the process printed; empty where none of them did."""
    marked = [line for line in said.splitlines() if line.startswith(_MARK)]
    return marked[-1][len(_MARK) :] if marked else ""


def without_mark(said: str) -> str:
    """What the process printed, for a person to read."""
    return "\n".join(line for line in said.splitlines() if not line.startswith(_MARK))
