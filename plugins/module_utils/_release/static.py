# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publish the static files of a release beside those of the releases before it.

A page of the former release still finds its stylesheet; `remove_unused` removes the files that no kept release has. The
project wrote the files, and root publishes them: regular files only, copied byte by byte. Private to this collection.
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
    walk,
)
from ansible_collections.landfall.django.plugins.module_utils._text import shorten

_BLOCK = 1 << 20


def publish(release: Path, dest: Path) -> list[str]:
    """Copy every file of the folder `release` to `dest`. Each is replaced atomically: no visitor gets a part of one.

    Return the paths that were left out, with the reason: only regular files are published. Raises OSError where a file
    and a folder have the same path.
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
    # One sync for all files, of which there may be thousands; and of this file system only: another one may hang.
    if written and run(["sync", "--file-system", str(dest)]).returncode:
        raise OSError(f"the static files in {dest} could not be written to the disk: sync failed")
    return left_out


def warning(left_out: list[str]) -> str:
    """Return a warning about files that were not published."""
    return (
        "these static files are not served, because they are not regular files that belong to the project:"
        f" {shorten(left_out)}. Let collectstatic copy files into STATIC_ROOT instead of linking them"
    )


def remove_unused(src: Path, keep: Iterable[str], dest: Path) -> None:
    """Remove the folders below `src` except those in `keep`, and the files below `dest` that none of these has."""
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
    """Copy a file to `dest`. Return whether it differed or was missing."""
    with ExitStack() as stack:
        folder = dest
        for part in Path(item.path).parts[:-1]:
            folder = stack.enter_context(_open_or_create(part, folder, item.path))
        content = stack.enter_context(item.opened())
        differs = not _has_content(folder, item.name, content)
        if differs:
            content.seek(0)
            replace_in(folder, item.name, lambda new: shutil.copyfileobj(content, new, _BLOCK), 0o644, sync=False)
        return differs


@contextmanager
def _open_or_create(name: str, folder: int, path: str) -> Iterator[int]:
    """Open a folder in another one; create it where it is missing."""
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
        raise NotADirectoryError(_conflict(path)) from error


def _has_content(folder: int, name: str, content: IO[bytes]) -> bool:
    """Return whether a file has exactly this content."""
    try:
        with pinned(name, folder) as pin:
            state = os.fstat(pin)
            if stat.S_ISDIR(state.st_mode):
                raise IsADirectoryError(_conflict(name))
            if kind(state) or state.st_size != os.fstat(content.fileno()).st_size:
                return False
            with open(reopened(pin), "rb") as present:
                return all(present.read(_BLOCK) == block for block in iter(lambda: content.read(_BLOCK), b""))
    except FileNotFoundError:
        return False


def _conflict(path: str) -> str:
    return (
        f"static file {path!r}: a kept earlier release has a file where this release has a folder, or the other way"
        " round. Rename it, or remove it from the folder that Nginx serves"
    )
