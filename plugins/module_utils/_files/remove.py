# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove a folder that containers write to, with everything in it and nothing outside of it.

Private to this collection.
"""

from __future__ import annotations

import os
import secrets

from ansible_collections.landfall.django.plugins.module_utils._files.walk import opened


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a file, folder or link, if it exists. The target of a link stays."""
    folder, name = os.path.split(os.fspath(path).rstrip("/"))
    try:
        parent = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not _unlinked(name, parent):
            _remove(name, parent)
    finally:
        os.close(parent)


def _remove(name: str, parent: int) -> None:
    with opened(name, parent) as top:
        while names := os.listdir(top):
            for inner in names:
                if not _unlinked(inner, top):
                    _flatten(inner, top)
    os.rmdir(name, dir_fd=parent)


def _flatten(name: str, top: int) -> None:
    """Empty a folder. Its folders move up to `top`, so that any depth needs three descriptors only."""
    try:
        with opened(name, top) as folder:
            for inner in os.listdir(folder):
                if not _unlinked(inner, folder):
                    os.rename(inner, secrets.token_hex(16), src_dir_fd=folder, dst_dir_fd=top)
    except (NotADirectoryError, FileNotFoundError):  # replaced or removed meanwhile
        return
    os.rmdir(name, dir_fd=top)


def _unlinked(name: str, folder: int) -> bool:
    """Remove anything that is not a folder. Return whether it is gone."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False
    return True
