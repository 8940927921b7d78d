# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files in force: the files in a stack's folder that Compose reads, always those of the release that serves.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace


def differs(files: Path, root: Path) -> bool:
    """Return whether the files of a release differ from those in force."""
    return any(_read(files / name) != _read(root / name) for name in FILES)


def is_empty(root: Path) -> bool:
    """Return whether no files are in force yet."""
    return not (root / "compose.yaml").exists()


def copy(source: Path, target: Path) -> None:
    """Copy the files from one folder to another."""
    for name in FILES:
        content = _read(source / name)
        if content is not None:
            replace(target / name, content, FILES[name])


def complete(root: Path, serving: Path) -> None:
    """Copy missing files from the folder of the release that serves."""
    for name in FILES:
        content = _read(serving / name)
        if content is not None and not (root / name).exists():
            replace(root / name, content, FILES[name])


def hold(root: Path) -> None:
    """Keep the files in force under a second name (a hard link), so that `put_back` works on a full disk too."""
    release_hold(root)
    for name in FILES:
        if (root / name).exists():
            os.link(root / name, _held(root, name))


def install(files: Path, root: Path) -> None:
    """Put the files of a release in force."""
    for name in FILES:
        content = _read(files / name)
        if content is None:
            (root / name).unlink(missing_ok=True)
        else:
            replace(root / name, content, FILES[name])


def clear(root: Path) -> None:
    """Remove the files in force."""
    for name in FILES:
        (root / name).unlink(missing_ok=True)


def put_back(root: Path) -> None:
    """Put the held files in force again."""
    for name in FILES:
        if _held(root, name).exists():
            # Not written again by `_files.replace`: the disk may be full.
            os.replace(_held(root, name), root / name)
        else:
            (root / name).unlink(missing_ok=True)


def release_hold(root: Path) -> None:
    """Remove the second names."""
    for name in FILES:
        _held(root, name).unlink(missing_ok=True)


def _held(root: Path, name: str) -> Path:
    return root / f".{name}.former"


def _read(path: Path) -> bytes | None:
    # Text mode would turn a carriage return in a secret into a newline.
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the files in force inside this context."""
    hold(root)
    try:
        yield
    finally:
        release_hold(root)
