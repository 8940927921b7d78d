# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a stack's database into a folder, completely or not at all.

Private to this collection.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ansible_collections.landfall.django.plugins.module_utils._database.archive import ARCHIVE, CONTENTS, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.engine import DumpScanner, SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.lock import now


def dump(server: Server, folder: Path, schema: str) -> Dump:
    """Write dump.sql.gz and dump.json of a schema into `folder`.

    The files appear when both are complete and on the disk, and existing ones are never overwritten. Raises
    DockerError, and then leaves no file behind.
    """
    archive, contents = folder / ARCHIVE, folder / CONTENTS
    if archive.exists():
        raise DockerError(f"{archive} exists already, and a dump is never overwritten")
    objects = server.contents(schema)
    try:
        with _partial(archive) as packed, _partial(contents) as description:
            digesting = _Digesting(packed)
            scan = _pack_tables(server, schema, objects, digesting)
            definitions_at = digesting.bytes
            _pack_definitions(server, schema, objects, digesting)
            made = Dump(
                archive=archive,
                engine=server.engine.name,
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
                migrations=server.applied_migrations(schema, objects.tables),
                warnings=_warnings(objects),
            )
            description.write(made.to_json().encode())
        # dump.json first: every archive then has its description.
        _publish(contents, archive)
    except OSError as error:
        raise DockerError(f"the database could not be dumped into {folder}: {error}") from error
    finally:
        for path in (archive, contents):
            _temporary(path).unlink(missing_ok=True)
    return made


def _pack_tables(server: Server, schema: str, objects: SchemaContents, target: _Digesting) -> DumpScanner:
    scan = server.engine.scanner()
    _pack(target, _scanned(server.dump_tables(schema, objects), scan))
    if not scan.complete:
        raise DockerError(f"the dump of the tables is incomplete: {server.engine.dump_program}'s last line is missing")
    if set(scan.rows) != set(objects.tables):
        differ = ", ".join(sorted(set(scan.rows) ^ set(objects.tables)))
        raise DockerError(f"tables of {schema} were created, dropped or unreadable during the dump: {differ}")
    return scan


def _pack_definitions(server: Server, schema: str, objects: SchemaContents, target: _Digesting) -> None:
    if not any(objects.definitions.values()):
        return
    text = server.dump_definitions(schema, objects)
    if text is not None and not server.engine.is_complete(text):
        program = server.engine.dump_program
        raise DockerError(f"the dump of the views and routines is incomplete: {program}'s last line is missing")
    if server.contents(schema).definitions != objects.definitions:
        raise DockerError(f"views, triggers, routines or events of {schema} were changed during the dump")
    if text is not None:
        _pack(target, [text])


def _scanned(lines: Iterable[bytes], scan: DumpScanner) -> Iterator[bytes]:
    for line in lines:
        scan.feed(line)
        yield line


def _pack(target: _Digesting, blocks: Iterable[bytes]) -> None:
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=3, mtime=0) as packed:
        for block in blocks:
            packed.write(block)


def _warnings(objects: SchemaContents) -> list[str]:
    warnings = []
    if objects.not_transactional:
        warnings.append(
            f"{', '.join(objects.not_transactional)}: these tables do not support transactions, so the dump may hold"
            " only a part of what was written to them meanwhile"
        )
    if objects.broken_views:
        warnings.append(
            f"{', '.join(objects.broken_views)}: these views are not in the dump; they cannot be read, because a table,"
            " a column or their definer is missing"
        )
    return warnings


class _Digesting:
    """A file that counts and hashes what is written to it."""

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
    """Open a file under its temporary name; on exit its content is on the disk.

    `_files.replace` does not fit: it puts each file in place as soon as it is written. Here both files are streams that
    are open together, and none may appear before both are complete.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(_temporary(path), flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _publish(*paths: Path) -> None:
    done: list[Path] = []
    try:
        for path in paths:
            os.replace(_temporary(path), path)
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
