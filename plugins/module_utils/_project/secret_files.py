# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a project reads secrets from: a folder for each set of them, which the releases that use it mount.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace


def entries(files: Mapping[str, Any], user: str) -> list[dict[str, Any]]:
    """Return the folder and its files as the module tree takes them, for the project's `user` (uid:gid)."""
    # The root of a container, which has no rights over other users' files, reads them by its group.
    owned = {"owner": user.partition(":")[0], "group": "0"}
    texts = {str(name): "" if content is None else str(content) for name, content in files.items()}
    return [
        {"path": ".", "mode": "0550", **owned},
        *(
            {"path": name, "content": text, "mode": "0440", "secret": True, **owned}
            for name, text in sorted(texts.items())
        ),
    ]


class SecretFiles:
    """The sets of a stack, in the folder `secrets/files`."""

    def __init__(self, root: Path):
        self.root = root / "secrets/files"

    def read(self, name: str) -> dict[str, str]:
        """Return the files of a set by their names; none where there is no such set."""
        return {path.name: path.read_bytes().decode() for path in self._of(name)} if name else {}

    def replace(self, former: Mapping[str, str], now: Mapping[str, str]) -> None:
        """In all sets, replace each file that has its former content by what it has now."""
        for path in [path for folder in self._folders() for path in self._of(folder.name)]:
            content = path.read_bytes().decode()
            if path.name in now and content == former.get(path.name) != now[path.name]:
                state = path.stat()
                replace(path, now[path.name].encode(), state.st_mode & 0o777, state.st_uid, state.st_gid)

    def remove_unused(self, keep: Collection[str]) -> None:
        """Remove the sets that are not in `keep`."""
        for folder in self._folders():
            if folder.name not in keep:
                remove(folder)

    def _folders(self) -> list[Path]:
        return sorted(self.root.iterdir()) if self.root.is_dir() else []

    def _of(self, name: str) -> Iterator[Path]:
        return (self.root / name).glob("*")
