# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The archive of a database dump, its description in dump.json, and the check of one against the other.

The archive has two gzip members: the tables with their rows, then the definitions (views, triggers, routines, events).
Neither names a schema, so that a dump can be loaded into any. Private to this collection.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name

ARCHIVE, CONTENTS = "dump.sql.gz", "dump.json"
_FORMAT = 1
_BLOCK = 1 << 20


class ArchiveError(Exception):
    """The archive cannot be used. The message says why."""


@dataclass(frozen=True)
class Dump:
    """An archive and its contents: the number of rows of each table, and the names of all other objects."""

    archive: Path
    engine: str
    sha256: str
    archive_bytes: int
    definitions_at: int  # offset of the second member, in bytes
    server: str
    version: str
    schema: str
    charset: str
    collation: str
    data_bytes: int  # size of the tables in the server's files
    sql_bytes: int  # size of the tables as SQL, uncompressed
    at: str  # UTC, ISO 8601
    tables: dict[str, int]
    definitions: dict[str, list[str]]
    migrations: list[tuple[str, str]]  # applied ones, as app and name
    warnings: list[str]

    def to_json(self) -> str:
        values = {name: value for name, value in asdict(self).items() if name != "archive"}
        return json.dumps({"format": _FORMAT, **values}, indent=2) + "\n"

    @property
    def has_definitions(self) -> bool:
        """Whether the second member exists."""
        return self.definitions_at < self.archive_bytes

    def read_tables(self) -> Iterator[bytes]:
        """Yield the SQL of the tables and their rows."""
        return _unpacked(self.archive, 0, self.definitions_at)

    def read_definitions(self) -> Iterator[bytes]:
        """Yield the SQL of views, triggers, routines and events."""
        return _unpacked(self.archive, self.definitions_at, self.archive_bytes)


def verify(archive: Path, empty: bool = False) -> Dump:
    """Read an archive to its end and compare it with its dump.json. Raises ArchiveError where they differ.

    An archive without tables is refused as well, unless `empty` is true.
    """
    dump = read(archive)
    try:
        size, sha256 = digest(archive)
        if size != dump.archive_bytes:
            raise ArchiveError(
                f"{archive} is incomplete: it has {size} bytes, but {dump.archive_bytes} bytes were written"
            )
        if sha256 != dump.sha256:
            raise ArchiveError(f"{archive} was changed after it was written: its checksum differs from {CONTENTS}")
        _compare_content(dump)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{archive} cannot be read to its end: {error}") from error
    if not dump.tables and not empty:
        raise ArchiveError(f"{archive} contains no table: the database was empty")
    return dump


def read(archive: Path) -> Dump:
    """Read the dump.json of an archive without checking the archive. Raises ArchiveError."""
    file = archive.with_name(CONTENTS)
    if not archive.exists():
        raise ArchiveError(f"{archive} does not exist")
    try:
        values = json.loads(file.read_text())
        if values["format"] != _FORMAT:
            raise ArchiveError(f"{file} has format {values['format']}: restore it with a newer landfall.django")
        values["migrations"] = list(map(tuple, values["migrations"]))
        return Dump(archive=archive, **{name: values[name] for name in _FIELDS})
    except OSError as error:
        raise ArchiveError(f"{archive} cannot be checked, because {file} cannot be read: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError(f"{archive} cannot be checked, because {file} is damaged: {error!r}") from error


_FIELDS = [field.name for field in fields(Dump) if field.name != "archive"]


def digest(archive: Path) -> tuple[int, str]:
    """Return the size of a file and its SHA-256."""
    size, checksum = 0, hashlib.sha256()
    with archive.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            checksum.update(block)
    return size, checksum.hexdigest()


def _compare_content(dump: Dump) -> None:
    engine = by_name(dump.engine)
    scan = engine.scanner()
    for line in _lines(dump.archive, 0, dump.definitions_at):
        scan.feed(line)
    tail = b""
    for block in dump.read_definitions():
        tail = (tail + block)[-200:]
    if not scan.complete or (tail and not engine.is_complete(tail)):
        raise ArchiveError(f"{dump.archive} is incomplete: {engine.dump_program}'s last line is missing")
    if scan.rows != dump.tables:
        differ = ", ".join(differing(scan.rows, dump.tables))
        raise ArchiveError(f"{dump.archive} differs from {CONTENTS} in the tables {differ}")


def differing(rows: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    """Return the names of tables that only one side has, or whose numbers of rows differ."""
    return sorted(name for name in {**rows, **wanted} if rows.get(name) != wanted.get(name))


def _unpacked(archive: Path, begin: int, end: int) -> Iterator[bytes]:
    with archive.open("rb") as file, gzip.GzipFile(fileobj=_Part(file, begin, end)) as content:
        while begin < end and (block := content.read(_BLOCK)):
            yield block


def _lines(archive: Path, begin: int, end: int) -> Iterator[bytes]:
    with archive.open("rb") as file, gzip.GzipFile(fileobj=_Part(file, begin, end)) as content:
        yield from content


class _Part(io.RawIOBase):
    """A range of bytes of a file, read as a file."""

    def __init__(self, file: io.BufferedReader, begin: int, end: int):
        self._file, self._left = file, end - begin
        file.seek(begin, os.SEEK_SET)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block
