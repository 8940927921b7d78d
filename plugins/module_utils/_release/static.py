# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publish the static files of a release beside those of the releases before it.

A page of the former release still finds its stylesheet; what no kept release has is removed by `forget`. The project
wrote the files, and root publishes them: regular files only, copied byte by byte. Private to this collection.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace_in
from ansible_collections.landfall.django.plugins.module_utils._files.walk import (
    Item,
    kind,
    opened,
    pinned,
    reopened,
    some,
    walk,
)

_BLOCK = 1 << 20


def publish(release: Path, dest: Path) -> list[str]:
    """Bring every file of the folder `release` into `dest`, each in one step: a visitor never gets half of one.

    Return what was left out, and why: nothing but regular files is published. Raises OSError where something else is
    in the way of a file.
    """
    left_out, written = [], 0
    dest.mkdir(mode=0o755, parents=True, exist_ok=True)
    with opened(release) as source, opened(dest) as target:
        owner = os.fstat(source).st_uid
        for item in walk(source):
            refusal = item.refusal(owner)
            if refusal:
                left_out.append(f"{item.path!r} ({refusal})")
            elif item.is_file:
                written += _publish(item, target)
    # Not one by one, since there may be thousands; and no other file system, which may hang.
    if written and run(["sync", "--file-system", str(dest)]).returncode:
        raise OSError(f"the static files in {dest} cannot be written to the disk")
    return left_out


def warning(left_out: list[str]) -> str:
    """What to tell about files that were not published."""
    return (
        f"these static files are not served, since only regular files of the project's own are: {some(left_out)};"
        " let collectstatic put copies into STATIC_ROOT instead of links"
    )


def forget(src: Path, keep: Iterable[str], dest: Path) -> None:
    """Remove the folders below `src` but those to `keep`, and below `dest` the files that none of these has."""
    names = {name for name in keep if name}
    for folder in os.listdir(src) if src.is_dir() else ():
        if folder not in names:
            remove(src / folder)
    wanted = {path for name in names for path in _files(src / name)}
    if dest.is_dir():
        with opened(dest) as target:
            for item in walk(target):
                if not (item.is_folder or (item.is_file and item.path in wanted)):
                    os.unlink(item.name, dir_fd=item.folder)


def _files(folder: Path) -> Iterable[str]:
    if not folder.is_dir():
        return []
    with opened(folder) as top:
        return [item.path for item in walk(top) if item.is_file]


def _publish(item: Item, dest: int) -> bool:
    """Whether the file was another one there, or missing."""
    with ExitStack() as stack:
        folder = dest
        for part in Path(item.path).parts[:-1]:
            folder = stack.enter_context(_made(part, folder, item.path))
        content = stack.enter_context(item.opened())
        differs = not _holds(folder, item.name, content)
        if differs:
            content.seek(0)
            replace_in(folder, item.name, lambda new: shutil.copyfileobj(content, new, _BLOCK), 0o644, sync=False)
        return differs


@contextmanager
def _made(name: str, folder: int, path: str) -> Iterator[int]:
    """The folder of this name in another one, made where it is missing."""
    try:
        os.mkdir(name, dir_fd=folder)
        is_new = True
    except FileExistsError:
        is_new = False
    try:
        with opened(name, folder) as made:
            if is_new:
                os.fchmod(made, 0o755)
            yield made
    except NotADirectoryError as error:
        raise NotADirectoryError(_in_the_way(path)) from error


def _holds(folder: int, name: str, content: IO[bytes]) -> bool:
    """Whether the file of this name holds exactly that."""
    try:
        with pinned(name, folder) as pin:
            state = os.fstat(pin)
            if stat.S_ISDIR(state.st_mode):
                raise IsADirectoryError(_in_the_way(name))
            if kind(state) or state.st_size != os.fstat(content.fileno()).st_size:
                return False
            with open(reopened(pin), "rb") as present:
                return all(present.read(_BLOCK) == block for block in iter(lambda: content.read(_BLOCK), b""))
    except FileNotFoundError:
        return False


def _in_the_way(path: str) -> str:
    return (
        f"static file {path!r}: an earlier release that is still kept has a file where this one has a folder, or the"
        " other way round; rename it, or remove it from the folder that Nginx serves"
    )
