# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List the files of a source tree, compute their digest, and find the migrations among new files.

Private to this collection.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator

from ansible_collections.landfall.django.plugins.module_utils._files.walk import Item, opened, walk
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore

# Version control and byte code make no difference to the image.
_SKIPPED = frozenset({".git", "__pycache__"})
_NOTHING = Ignore(())
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LARGEST_POINTER = 1024
# A new file in rsync's itemized list or in a git diff.
_NEW = re.compile(r"^(?:[<>]f\++ |--- /dev/null\n\+\+\+ b/|rename to )(.+)$", re.MULTILINE)
# Django ignores files whose name begins with _ or ~.
_MIGRATION = re.compile(r"(?:.+/)?([^/]+)/migrations/([^/_~][^/]*)\.py")


def digest(root: str, ignore: Ignore = _NOTHING) -> str:
    """Return the SHA-256 (hexadecimal) of the files below `root`: names, contents, links and execute bits.

    Modification times, owners, empty folders and what `ignore` excludes do not count. Raises OSError where the folder
    does not exist.
    """
    total = hashlib.sha256()
    for item in _items(root, ignore):
        total.update(_fingerprint(item))
    return total.hexdigest()


def paths(root: str, ignore: Ignore = _NOTHING) -> list[str]:
    """Return the paths of the files and links that count, relative to `root`."""
    return [item.path for item in _items(root, ignore)]


def lfs_pointers(root: str, ignore: Ignore = _NOTHING) -> list[str]:
    """Return the files of Git LFS of which only the pointer is there."""
    found = []
    for item in _items(root, ignore):
        if item.is_file and len(_POINTER) < item.state.st_size < _LARGEST_POINTER:
            with item.opened() as stream:
                if stream.read(len(_POINTER)) == _POINTER:
                    found.append(item.path)
    return found


def _items(root: str, ignore: Ignore) -> Iterator[Item]:
    if not os.path.isdir(root):
        raise FileNotFoundError(f"the folder {root} does not exist")
    with opened(os.path.realpath(root)) as top:
        # A submodule's .git is a file.
        for item in walk(top, _SKIPPED):
            if ignore.excludes(item.path):
                continue
            if item.too_deep:
                raise OSError(f"{item.path!r} is nested too deeply")
            if not item.is_folder:
                yield item


def _fingerprint(item: Item) -> bytes:
    mode = item.state.st_mode
    content = hashlib.sha256()
    if stat.S_ISLNK(mode):
        sort = "link"
        content.update(os.readlink("", dir_fd=item.pin).encode("utf-8", "surrogateescape"))
    elif item.is_file:
        sort = "program" if mode & stat.S_IXUSR else "file"
        with item.opened() as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                content.update(block)
    else:
        sort = "special"
    return hashlib.sha256(f"{sort}\0{item.path}\0".encode("utf-8", "surrogateescape") + content.digest()).digest()


def new_migrations(output: str) -> list[str]:
    """Return the migrations among the new files in the output of rsync or `git diff`, such as catalogue.0002_stock.

    The application is named by its folder, which may differ from its label.
    """
    found = (_MIGRATION.fullmatch(path) for path in _NEW.findall(output))
    return sorted(f"{match[1]}.{match[2]}" for match in found if match)
