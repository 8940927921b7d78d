# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folders of a project that outlive its containers, and the volumes of its image that would not.

Private to this collection.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Folder:
    """The folder `path` of the host, mounted at `target` in every container of the project."""

    path: str
    target: str


def kept(volumes: Mapping[str, str], root: str, media: Folder | None, declared: Collection[str]) -> list[Folder]:
    """Return the folders to mount beside media: one below `root` for each of `volumes` (a name and a path).

    By each volume that the image declares (`declared`) Docker would cover a part of the folder that it is in, so that
    part is mounted as well.
    """
    named = [Folder(posixpath.join(root, name), posixpath.normpath(target)) for name, target in volumes.items()]
    above = named + ([media] if media else [])
    found = [*named, *(part for path in sorted(declared) if (part := _part(above, posixpath.normpath(path))))]
    return list(dict.fromkeys(found))


def lost(declared: Collection[str], mounted: Collection[str]) -> list[str]:
    """Return the volumes that an image declares outside of the folders `mounted`: their data ends with a container."""
    return sorted(path for path in declared if not any(_is_within(path, folder) for folder in mounted))


def _part(above: Collection[Folder], path: str) -> Folder | None:
    for folder in above:
        if path != folder.target and _is_within(path, folder.target):
            return Folder(posixpath.join(folder.path, posixpath.relpath(path, folder.target)), path)
    return None


def _is_within(path: str, folder: str) -> bool:
    path, folder = posixpath.normpath(path), posixpath.normpath(folder)
    return path == folder or path.startswith(folder + "/")
