# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publish the static files of a release beside those of the releases before it.

Private to this collection.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def releases(src: Path, newest: str, kept: int) -> tuple[list[str], list[str]]:
    """Return the names of the release folders below `src` to keep, newest first, and of those to remove."""
    others = sorted(
        (item for item in src.iterdir() if item.is_dir() and item.name != newest),
        key=lambda item: item.stat().st_mtime,
        reverse=True,
    )
    names = [newest, *(item.name for item in others)]
    return names[:kept], names[kept:]


def publish(src: Path, newest: str, keep: Iterable[str], dest: Path) -> list[str]:
    """Bring `dest` to hold every file of the releases to `keep`, the newest winning. Return what changed.

    Each file is replaced in one step: a visitor gets the former one or the new one, never half of it.
    """
    dest.mkdir(mode=0o755, parents=True, exist_ok=True)
    wanted = {name: src / newest / name for name in _files(src / newest)}
    changed = []
    for name, source in wanted.items():
        target = dest / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            _place(source, target)
            changed.append(name)
    present = {name for release in keep for name in _files(src / release)}
    for name in sorted(set(_files(dest)) - present):
        (dest / name).unlink()
        changed.append(name)
    return changed


def _place(source: Path, target: Path) -> None:
    for folder in reversed(target.parents):
        folder.mkdir(mode=0o755, exist_ok=True)
    candidate = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, candidate)
    candidate.chmod(0o644)
    os.replace(candidate, target)


def _files(root: Path) -> list[str]:
    found = []
    for folder, _folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)
