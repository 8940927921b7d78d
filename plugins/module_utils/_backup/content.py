# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What belongs to a stack beside its database: small files, which a backup copies, and large folders, which it names.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES
from ansible_collections.landfall.django.plugins.module_utils._files.walk import Item, opened, walk
from ansible_collections.landfall.django.plugins.module_utils._release.ledger import DUMP_FILES
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

LETSENCRYPT = Path("/etc/letsencrypt")
_SETTINGS = (*FILES, "database-ca.pem", "secrets", "releases")
_SAMPLE = 20  # files whose content a drill compares
_BLOCK = 1 << 20
_SQLITE = b"SQLite format 3\0"
_PATIENCE = 60  # seconds for a writer to end its transaction


def small_files(root: Path, site: Site, letsencrypt: Path = LETSENCRYPT) -> list[Path]:
    """Return the files and folders with the settings, the secrets, the ledger and the certificate of a stack."""
    wanted = [root / name for name in _SETTINGS]
    if site.front_root:
        served = Path(site.front_root) / "tls" / site.project_name
        wanted += _certificate(served.resolve(), letsencrypt)
    return [path for path in wanted if path.exists()]


def _certificate(place: Path, letsencrypt: Path) -> list[Path]:
    if place.parent == letsencrypt / "live":
        name = place.name
        theirs = (f"live/{name}", f"archive/{name}", f"renewal/{name}.conf", "accounts")
        return [letsencrypt / one for one in theirs]
    # The user's own certificate; a temporary one is made again.
    return [place] if place.parent.name == "own" else []


def folders(root: Path, site: Site, further: Iterable[str]) -> list[Path]:
    """Return the folders with data that only a repository gets: media, other persistent folders, and the user's."""
    files = Path(site.front_root) / "sites" / site.project_name if site.front_root else root / "public"
    wanted = [files / "media", root / "volumes", root / "beat", *map(Path, further)]
    return [path for path in wanted if path.is_dir()]


def pack(archive: Path, paths: Iterable[Path]) -> None:
    """Write a compressed tar archive, with owners and modes, of these files and folders. Links are not followed.

    The dumps of releases are left out: a backup has the database itself.
    """
    with (
        open(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in paths:
            tar.add(path, filter=_without_dumps)


def _without_dumps(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    path = Path(member.name)
    is_dump = path.name in DUMP_FILES and path.parent.parent.name == "releases"
    return None if is_dump else member


def check_archive(archive: Path) -> int:
    """Read a tar archive to its end, and return the number of its members. Raises OSError or tarfile.TarError."""
    with tarfile.open(archive, "r|gz") as tar:
        return sum(1 for _member in tar)


def copy_sqlite(folder: Path, target: Path) -> list[str]:
    """Copy each SQLite database below a folder as of one moment, while its users write. Return their paths in `folder`.

    restic reads the files as they are, in the middle of a transaction.
    """
    found = [item.path for item in _files(folder) if _begins_as_sqlite(item)] if folder.is_dir() else []
    for path in found:
        copy = target / path
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        address = f"file:{quote(str(folder / path))}?mode=ro"
        with (
            contextlib.closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as source,
            contextlib.closing(sqlite3.connect(copy)) as written,
        ):
            source.backup(written)
            if (said := written.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                raise BackupError(f"{folder / path} is damaged: {said}")
        copy.chmod(0o600)
    return found


def _begins_as_sqlite(item: Item) -> bool:
    with item.opened() as file:
        return file.read(len(_SQLITE)) == _SQLITE


def survey(folder: Path) -> dict[str, Any]:
    """Return the number of files in a folder, their bytes, and some of them with sha256 and time of change.

    Chosen by a hash of their names, so that they are spread over the folder and mostly the same the next day.
    """
    files, size = 0, 0
    chosen: dict[str, str] = {}
    for item in _files(folder):
        files += 1
        size += item.state.st_size
        chosen[hashlib.sha256(os.fsencode(item.path)).hexdigest()] = item.path
        if len(chosen) > _SAMPLE:
            del chosen[max(chosen)]
    wanted = set(chosen.values())
    sample = {item.path: _described(item) for item in _files(folder) if item.path in wanted}
    return {"path": str(folder), "files": files, "bytes": size, "sample": sample}


def _files(folder: Path) -> Iterator[Item]:
    with opened(folder) as top:
        for item in walk(top):
            if item.is_file and not item.refusal(item.state.st_uid):
                yield item


def _described(item: Item) -> dict[str, Any]:
    checksum = hashlib.sha256()
    with item.opened() as file:
        while block := file.read(_BLOCK):
            checksum.update(block)
    return {"sha256": checksum.hexdigest(), "changed": item.state.st_mtime_ns}
