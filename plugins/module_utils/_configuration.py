# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a release runs with: put in force, and put back where the release does not come about.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# With their permissions: one of them holds the project's secrets.
COMPOSE = ("compose.yaml", "compose.override.yaml")
FILES = {**dict.fromkeys(COMPOSE, 0o644), ".env": 0o600}


def differs(files: Path, root: Path, name: str) -> bool:
    """Whether a file of a release is another one than that in force."""
    return _read(files / name) != _read(root / name)


@contextmanager
def installed(files: Path, root: Path) -> Iterator[None]:
    """Put a release's files in force; where what follows fails, those of the release that serves come back.

    Of a first release they stay, since the database has its passwords by then. Those of before wait under another
    name meanwhile: on a disk that is full by then they could not be written again.
    """
    first = not (root / "compose.yaml").exists()
    for name in FILES:
        _former(root, name).unlink(missing_ok=True)
        if (root / name).exists():
            os.link(root / name, _former(root, name))
    try:
        for name in FILES:
            _put(root / name, _read(files / name))
        yield
    except BaseException:
        if not first:
            for name in FILES:
                _put_back(root, name)
        raise
    finally:
        for name in FILES:
            _former(root, name).unlink(missing_ok=True)


def _former(root: Path, name: str) -> Path:
    return root / f".{name}.former"


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        replace(path, content, FILES[path.name])


def _put_back(root: Path, name: str) -> None:
    if _former(root, name).exists():
        os.replace(_former(root, name), root / name)
    else:
        (root / name).unlink(missing_ok=True)


def replace(path: Path, content: bytes, mode: int, uid: int = -1) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    candidate = path.with_name(f".{path.name}.new")
    try:
        with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), uid, -1)
        os.replace(candidate, path)
    finally:
        candidate.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    # Bytes: text would turn a carriage return in a secret into a newline.
    return path.read_bytes() if path.exists() else None
