# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publish the static files of a release beside those of the releases before it.

A page of the former release still finds its stylesheet; `remove_unused` removes the files that no kept release has. The
project wrote the files, and root publishes them: regular files only, copied byte by byte, and compressed once for all
visitors. Private to this collection.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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
# Nginx sends NAME.gz in place of NAME (gzip_static).
_GZ = ".gz"
_COMPRESSIBLE = re.compile(
    r"(?is).+\.(css|csv|eot|geojson|html?|ico|js|json|map|md|mjs|otf|svg|ttf|txt|wasm|webmanifest|xml)"
)
# Below the least, it saves no packet; the most is read into memory.
_LEAST, _MOST = 1 << 10, 32 << 20
_NAME = 255  # bytes of a file's name


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
                original = item.path.removesuffix(_GZ)
                if not (item.is_folder or (item.is_file and not wanted.isdisjoint((item.path, original)))):
                    os.unlink(item.name, dir_fd=item.folder)


def _files(folder: Path) -> Iterable[str]:
    if not folder.is_dir():
        return []
    with opened(folder) as top:
        return [item.path for item in walk(top) if item.is_file]


def _publish(item: Item, dest: int) -> bool:
    """Copy a file to `dest`, and a compressed one beside it. Return whether one of them differed or was missing."""
    with ExitStack() as stack:
        folder = dest
        for part in Path(item.path).parts[:-1]:
            folder = stack.enter_context(_open_or_create(part, folder, item.path))
        content = stack.enter_context(item.opened())
        differs = not _has_content(folder, item.name, content)
        if differs:
            _remove_compressed(folder, item.name)
            content.seek(0)
            replace_in(folder, item.name, lambda new: shutil.copyfileobj(content, new, _BLOCK), 0o644, sync=False)
        return _compress(item, folder, content) or differs


def _remove_compressed(folder: int, name: str) -> None:
    """Remove the compressed file before its original changes: after a crash in between, nobody gets the former one."""
    if _exists(f"{name}{_GZ}", folder):
        with suppress(IsADirectoryError):
            os.unlink(f"{name}{_GZ}", dir_fd=folder)


def _compress(item: Item, folder: int, content: IO[bytes]) -> bool:
    """Write the compressed file, unless there is one, or the project has one of its own. Return whether it did."""
    name = f"{item.name}{_GZ}"
    if not _COMPRESSIBLE.fullmatch(item.name) or len(os.fsencode(name)) > _NAME:
        return False
    if _exists(name, item.folder) or _exists(name, folder):
        return False
    content.seek(0)
    plain = content.read(_MOST + 1)
    if not _LEAST <= len(plain) <= _MOST:
        return False
    # The same content always gives the same file.
    small = gzip.compress(plain, mtime=0)
    if len(small) > len(plain) * 0.95:
        return False
    replace_in(folder, name, lambda new: new.write(small), 0o644, sync=False)
    return True


def _exists(name: str, folder: int) -> bool:
    if len(os.fsencode(name)) > _NAME:
        return False
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


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
