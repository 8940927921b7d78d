# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that the host reverts by itself, unless it is confirmed in time.

A script on the disk reverts it. landfall-undo.timer runs the script when the time is over, landfall-undo.service when
the host boots before that.

Private to this collection.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Sequence

from ansible_collections.landfall.django.plugins.module_utils._commands import run as commands
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace

FOLDER = "/var/lib/landfall/unconfirmed"
SERVICE, TIMER = "landfall-undo.service", "landfall-undo.timer"


def script(folder: str, paths: Iterable[str], commands: Iterable[Sequence[str]]) -> str:
    """A script that restores the files, which `folder` holds under their numbers, and then runs commands.

    After an interruption it can be started again, and does the rest.
    """
    lines = []
    for number, path in enumerate(paths):
        former, place, beside = (shlex.quote(one) for one in (f"{folder}/{number}", path, f"{path}.former"))
        restore = f"cp -p {former} {beside} && mv -f {beside} {place}"
        lines.append(f"if [ -e {former} ]; then {restore}; else rm -f {place}; fi")
    lines += [shlex.join(command) for command in commands]
    return "\n".join(["#!/bin/sh", *lines, f"rm -rf {shlex.quote(folder)}", ""])


def arm(paths: Sequence[str], commands: Iterable[Sequence[str]], folder: str = FOLDER) -> None:
    """Copy the present files, and start the timer."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    for number, path in enumerate(paths):
        if os.path.lexists(path):
            shutil.copy2(path, os.path.join(folder, str(number)))
    # The script is written last, and in one step: by then the files to restore are there.
    replace(os.path.join(folder, "undo"), script(folder, paths, commands).encode(), 0o600)
    run("systemctl", "restart", TIMER)


def is_pending(folder: str = FOLDER) -> bool:
    return os.path.exists(os.path.join(folder, "undo"))


def confirm(folder: str = FOLDER) -> bool:
    """Keep the change. False if the host has reverted it already."""
    if not is_pending(folder):
        return False
    run("systemctl", "stop", TIMER)
    if _state(SERVICE) == "activating":
        # Too late, it is running: starting it once more waits for its end.
        run("systemctl", "start", SERVICE)
    if not is_pending(folder):
        return False
    shutil.rmtree(folder)
    return True


def undo() -> None:
    """Revert the change now."""
    run("systemctl", "start", SERVICE)
    run("systemctl", "stop", TIMER)


def run(*words: str) -> None:
    """Run a program. Raises OSError with its output if it fails."""
    ran = commands.run(words)
    if ran.returncode:
        raise OSError(f"{shlex.join(words)}: {ran.stderr.strip() or ran.stdout.strip()}")


def _state(unit: str) -> str:
    return commands.run(["systemctl", "show", "--property=ActiveState", "--value", unit]).stdout.strip()
