# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Name the content of a source tree by a digest, and the migrations among the files that a change adds to it.

Private to this collection.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat

from ansible_collections.landfall.django.plugins.module_utils._files.walk import Item, opened, walk

# Version control and byte code say nothing about what an image would hold.
_SKIPPED = frozenset({".git", "__pycache__"})
# A new file, as rsync itemizes it and as git shows it in a diff.
_NEW = re.compile(r"^(?:[<>]f\++ |--- /dev/null\n\+\+\+ b/|rename to )(.+)$", re.MULTILINE)
# Django takes none for a migration whose name begins with _ or ~.
_MIGRATION = re.compile(r"(?:.+/)?([^/]+)/migrations/([^/_~][^/]*)\.py")


def digest(root: str) -> str:
    """Return the SHA-256 (hexadecimal) of the files below `root`: names, contents, links and execute bits.

    Modification times, owners and folders without files do not count. Raises OSError where there is no such folder.
    """
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}")
    total = hashlib.sha256()
    with opened(os.path.realpath(root)) as top:
        # A submodule's .git is a file.
        for item in walk(top, _SKIPPED):
            if item.too_deep:
                raise OSError(f"{item.path!r} is nested too deep")
            if not item.is_folder:
                total.update(_fingerprint(item))
    return total.hexdigest()


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


def new_migrations(said: str) -> list[str]:
    """Return the migrations among the files that are new, from what rsync or `git diff` said, as catalogue.0002_stock.

    An application that calls itself otherwise than its folder is named by the folder.
    """
    found = (_MIGRATION.fullmatch(path) for path in _NEW.findall(said))
    return sorted(f"{match[1]}.{match[2]}" for match in found if match)
