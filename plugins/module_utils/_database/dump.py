# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a stack's database into a folder, whole or not at all.

Private to this collection.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ansible_collections.landfall.django.plugins.module_utils._database import mysql
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ARCHIVE, CONTENTS, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.lock import now


def dump(compose: Sequence[str], folder: Path, schema: str = "") -> Dump:
    """Write dump.sql.gz and dump.json into `folder`, of the stack's own schema unless another is named.

    `compose` is the docker compose command of the stack. Neither file is there before both are complete and on the
    disk, and none is ever written over. Raises DockerError with nothing left behind.
    """
    server = Server(compose)
    return dump_from(server, folder, schema or server.schema())


def dump_from(server: Server, folder: Path, schema: str) -> Dump:
    """As `dump`, of a schema of this server."""
    archive, contents = folder / ARCHIVE, folder / CONTENTS
    if archive.exists():
        raise DockerError(f"{archive} is there already, and a dump is never written over")
    objects = server.look(schema)
    try:
        with _partial(archive) as packed, _partial(contents) as description:
            digesting = _Digesting(packed)
            scan = _pack_tables(server, schema, objects, digesting)
            definitions_at = digesting.bytes
            _pack_definitions(server, schema, objects, digesting)
            made = Dump(
                archive=archive,
                sha256=digesting.sha256.hexdigest(),
                archive_bytes=digesting.bytes,
                definitions_at=definitions_at,
                server=objects.server,
                version=objects.version,
                schema=schema,
                charset=objects.charset,
                collation=objects.collation,
                data_bytes=objects.data_bytes,
                sql_bytes=scan.bytes,
                at=now(),
                tables=scan.rows,
                definitions={kind: list(names) for kind, names in objects.definitions.items()},
                migrations=server.migrations(schema, objects.tables),
                warnings=_warnings(objects),
            )
            description.write(made.to_json().encode())
        # In this order: where there is an archive, there is what it must contain.
        _publish(contents, archive)
    except OSError as error:
        raise DockerError(f"the database could not be dumped into {folder}: {error}") from error
    finally:
        for path in (archive, contents):
            _candidate(path).unlink(missing_ok=True)
    return made


def _pack_tables(server: Server, schema: str, objects: mysql.Objects, target: _Digesting) -> mysql.Scan:
    scan = mysql.Scan()
    _pack(target, _watched(server.dump(mysql.dump_tables(schema, objects)), scan))
    if not scan.complete:
        raise DockerError("mysqldump came to an end without saying that the dump is complete")
    if set(scan.rows) != set(objects.tables):
        differ = ", ".join(sorted(set(scan.rows) ^ set(objects.tables)))
        raise DockerError(f"tables of {schema} came, went or could not be dumped meanwhile: {differ}")
    return scan


def _pack_definitions(server: Server, schema: str, objects: mysql.Objects, target: _Digesting) -> None:
    if not any(objects.definitions.values()):
        return
    text = server.definitions(schema, objects)
    if not mysql.ends(text):
        raise DockerError("mysqldump came to an end without saying that the views and routines are complete")
    if server.look(schema).definitions != objects.definitions:
        raise DockerError(f"views, triggers, routines or events of {schema} were changed meanwhile")
    _pack(target, [text])


def _watched(lines: Iterable[bytes], scan: mysql.Scan) -> Iterator[bytes]:
    for line in lines:
        scan.line(line)
        yield line


def _pack(target: _Digesting, blocks: Iterable[bytes]) -> None:
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=3, mtime=0) as packed:
        for block in blocks:
            packed.write(block)


def _warnings(objects: mysql.Objects) -> list[str]:
    said = []
    if objects.not_transactional:
        said.append(
            f"{', '.join(objects.not_transactional)}: not of the engine InnoDB, so what was written to them during the"
            " dump may be in it by half"
        )
    if objects.broken_views:
        said.append(
            f"{', '.join(objects.broken_views)}: views that lack a table, a column or their definer, so that nobody can"
            " read them; they are not in the dump"
        )
    return said


class _Digesting:
    """A file to write to, which keeps its length and its checksum."""

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.bytes = 0
        self.sha256 = hashlib.sha256()

    def write(self, block: Any) -> int:
        self.bytes += len(block)
        self.sha256.update(block)
        return self.file.write(block)

    def flush(self) -> None:
        self.file.flush()


@contextmanager
def _partial(path: Path) -> Iterator[IO[bytes]]:
    """Write a file under another name, down to the disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(_candidate(path), flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _candidate(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _publish(*paths: Path) -> None:
    done: list[Path] = []
    try:
        for path in paths:
            os.replace(_candidate(path), path)
            done.append(path)
        folder = os.open(paths[0].parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        for path in reversed(done):
            path.unlink(missing_ok=True)
        raise
