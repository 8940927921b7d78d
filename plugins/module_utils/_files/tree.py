# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage folders, files and links below a root: find all differences first, then apply them.

Private to this collection.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._files.owner import hand_over
from ansible_collections.landfall.django.plugins.module_utils._files.replace import link, replace
from ansible_collections.landfall.django.plugins.module_utils._text import shorten

FOLDER, FILE, LINK, ABSENT = "folder", "file", "link", "absent"
_SPECIAL = "special file"
_MODES = {FOLDER: 0o755, FILE: 0o644}


@dataclass(frozen=True)
class Entry:
    """The wanted state of one path, relative to the root or absolute."""

    path: str
    kind: str
    content: bytes = b""
    target: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    keep: bool = False
    recurse: bool = False
    first: bool = False


@dataclass(frozen=True)
class Change:
    """An entry that differs from the host. `content` is false where only its mode or owner differs."""

    entry: Entry
    path: str
    content: bool
    before: bytes | None = None


def entry(given: dict[str, object]) -> Entry:
    """Return the entry of module options. Raises ValueError where they contradict each other."""
    kinds = [kind for name, kind in (("content", FILE), ("target", LINK)) if given.get(name) is not None]
    if len(kinds) > 1:
        raise ValueError(f"{given['path']}: content and target exclude each other: set one of them")
    kind = ABSENT if given.get("state") == "absent" else kinds[0] if kinds else FOLDER
    mode = given.get("mode")
    return Entry(
        path=str(given["path"]),
        kind=kind,
        content=_text(given.get("content")).encode(),
        target=str(given.get("target") or ""),
        mode=int(str(mode), 8) if mode else _MODES.get(kind, 0),
        uid=_id(given.get("owner"), lambda name: pwd.getpwnam(name).pw_uid),
        gid=_id(given.get("group"), lambda name: grp.getgrnam(name).gr_gid),
        keep=bool(given.get("keep")),
        recurse=bool(given.get("recurse")),
        first=bool(given.get("first")),
    )


def _text(content: object) -> str:
    if isinstance(content, (dict, list)):
        return json.dumps(content, indent=4, sort_keys=True) + "\n"
    return "" if content is None else str(content)


def _id(given: object, lookup: Callable[[str], int]) -> int:
    text = str(given if given is not None else 0)
    try:
        return int(text) if text.isdigit() else lookup(text)
    except KeyError as error:
        raise ValueError(f"the host has no user or group {text}: create it, or name another one") from error


def changes(root: str, entries: Iterable[Entry]) -> list[Change]:
    """Return what differs below `root`. Raises ValueError where a folder is in the place of a file, or the reverse."""
    return [change for wanted in entries for change in _difference(wanted, os.path.join(root, wanted.path))]


def _difference(wanted: Entry, path: str) -> list[Change]:
    present = _present(path)
    if present is None:
        return [] if wanted.kind == ABSENT else [Change(wanted, path, content=True)]
    kind, mode, uid, gid = present
    if wanted.keep:
        return []
    if wanted.kind == ABSENT:
        if kind == FOLDER:
            raise ValueError(f"{path} is a folder, but a file was to be removed: check it, and remove it by hand")
        return [Change(wanted, path, content=True, before=_read(path) if kind == FILE else None)]
    # A link may stand for a folder, but not for one that containers write to.
    reached = wanted.kind == FOLDER and os.path.isdir(path) and not wanted.recurse
    if FOLDER in (kind, wanted.kind) and kind != wanted.kind and not reached:
        raise ValueError(f"{path} is a {kind}, but must be a {wanted.kind}: check it, and move it away")
    if wanted.kind == LINK:
        return [] if kind == LINK and os.readlink(path) == wanted.target else [Change(wanted, path, content=True)]
    if kind != wanted.kind:
        return [] if wanted.kind == FOLDER else [Change(wanted, path, content=True)]
    before = _read(path) if kind == FILE else b""
    if before != wanted.content:
        return [Change(wanted, path, content=True, before=before)]
    rights = (mode, uid, gid) == (wanted.mode, wanted.uid, wanted.gid)
    return [] if rights else [Change(wanted, path, content=False, before=before)]


def _present(path: str) -> tuple[str, int, int, int] | None:
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return None
    kinds = ((stat.S_ISLNK, LINK), (stat.S_ISDIR, FOLDER), (stat.S_ISREG, FILE))
    kind = next((name for test, name in kinds if test(state.st_mode)), _SPECIAL)
    return kind, stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def apply(found: Iterable[Change]) -> list[str]:
    """Apply the changes, each file and link atomically.

    Return a warning for each folder with files whose owner could not be changed.
    """
    warnings = []
    for change in found:
        wanted, path = change.entry, change.path
        if wanted.kind == ABSENT:
            os.unlink(path)
        elif wanted.kind == FOLDER:
            os.makedirs(path, mode=0o755, exist_ok=True)
            if wanted.recurse:
                left = hand_over(path, wanted.uid, wanted.gid, wanted.mode)
                warnings += [f"{path}: the owner of these files was not changed: {shorten(left)}"] if left else []
            else:
                os.chown(path, wanted.uid, wanted.gid)
                os.chmod(path, wanted.mode)
        else:
            _place(wanted, path)
    return warnings


def _place(wanted: Entry, path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if wanted.kind == LINK:
        link(path, wanted.target)
    else:
        replace(path, wanted.content, wanted.mode, wanted.uid, wanted.gid)


def stage(root: str, entries: Iterable[Entry], beside: Iterable[str], tree: str) -> None:
    """Fill the empty folder `tree` with the content that `root` would have, for a program that checks it.

    That is the entries with a relative path, and the other files and links in the folders `beside`.
    """
    for folder in beside:
        source = os.path.join(root, folder)
        _make_folder(os.path.join(tree, folder))
        for item in os.scandir(source) if os.path.isdir(source) else ():
            if not item.is_dir() or item.is_symlink():
                shutil.copy2(item.path, os.path.join(tree, folder, item.name), follow_symlinks=False)
    for wanted in entries:
        if os.path.isabs(wanted.path):
            continue
        path = os.path.join(tree, wanted.path)
        if wanted.kind == ABSENT:
            if os.path.lexists(path):
                os.unlink(path)
        elif wanted.kind == FOLDER:
            _make_folder(path)
        elif not (wanted.keep and os.path.lexists(path)):
            _place(wanted, path)


def _make_folder(path: str) -> None:
    os.makedirs(path, exist_ok=True)
    # Independent of the umask: a program that is not root may have to read it.
    Path(path).chmod(0o755)
