# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publish the static files of a release beside those of the releases before it.

A page of the former release still finds its stylesheet; what no kept release has is removed by `forget`.
Private to this collection.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def publish(release: Path, dest: Path) -> None:
    """Bring every file of the folder `release` into `dest`, each in one step: a visitor never gets half of one."""
    dest.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in _files(release):
        source, target = release / name, dest / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            _place(source, target)


def forget(src: Path, keep: Iterable[str], dest: Path) -> None:
    """Remove the folders below `src` but those to `keep`, and below `dest` the files that none of these has."""
    names = set(keep)
    for folder in src.iterdir() if src.is_dir() else ():
        if folder.name not in names:
            shutil.rmtree(folder)
    wanted = {name for folder in names for name in _files(src / folder)}
    for name in set(_files(dest)) - wanted:
        (dest / name).unlink()


def _place(source: Path, target: Path) -> None:
    for folder in reversed(target.parents):
        folder.mkdir(mode=0o755, exist_ok=True)
    candidate = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, candidate)
        candidate.chmod(0o644)
        os.replace(candidate, target)
    finally:
        candidate.unlink(missing_ok=True)


def _files(root: Path) -> list[str]:
    found = []
    for folder, _folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)
