# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump on the disk, what it must contain, and the proof that it does.

The archive has one gzip member with the tables and their rows, then one with what has no rows (views, triggers,
routines, events), each dumped into no named schema. Private to this collection.
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

from ansible_collections.landfall.django.plugins.module_utils._database.mysql import Scan, ends

ARCHIVE, CONTENTS = "dump.sql.gz", "dump.json"
_FORMAT = 1
_BLOCK = 1 << 20


class ArchiveError(Exception):
    """An archive cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Dump:
    """An archive and what it contains: of each table the number of rows, of all else the names."""

    archive: Path
    sha256: str
    archive_bytes: int
    definitions_at: int  # where its second member begins
    server: str
    version: str
    schema: str
    charset: str
    collation: str
    data_bytes: int  # in the server's files
    sql_bytes: int  # tables and rows as SQL
    at: str
    tables: dict[str, int]
    definitions: dict[str, list[str]]
    migrations: list[tuple[str, str]]  # that Django has applied
    warnings: list[str]

    def to_json(self) -> str:
        values = {name: value for name, value in asdict(self).items() if name != "archive"}
        return json.dumps({"format": _FORMAT, **values}, indent=2) + "\n"

    def read_tables(self) -> Iterator[bytes]:
        """The SQL of the tables and their rows."""
        return _unpacked(self.archive, 0, self.definitions_at)

    def read_definitions(self) -> Iterator[bytes]:
        """The SQL of all else."""
        return _unpacked(self.archive, self.definitions_at, self.archive_bytes)


def verify(archive: Path, empty: bool = False) -> Dump:
    """Read an archive to its end. Raises ArchiveError where it is not what its dump.json says, or not whole.

    One without any table is refused as well, unless it may be `empty`.
    """
    dump = read(archive)
    try:
        size, digest = _digest(archive)
        if size != dump.archive_bytes:
            raise ArchiveError(
                f"{archive} is not whole: it has {size} bytes, and had {dump.archive_bytes} when it was written"
            )
        if digest != dump.sha256:
            raise ArchiveError(f"{archive} is not what was written: its checksum differs from the one in {CONTENTS}")
        _prove(dump)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{archive} cannot be read to its end: {error}") from error
    if not dump.tables and not empty:
        raise ArchiveError(f"{archive} is of an empty database: it has no table")
    return dump


def read(archive: Path) -> Dump:
    """What the file beside an archive says of it, unproven. Raises ArchiveError."""
    file = archive.with_name(CONTENTS)
    if not archive.exists():
        raise ArchiveError(f"there is no {archive}")
    try:
        values = json.loads(file.read_text())
        if values["format"] != _FORMAT:
            raise ArchiveError(f"{file} has format {values['format']}: only a newer landfall.django reads it")
        values["migrations"] = list(map(tuple, values["migrations"]))
        return Dump(archive=archive, **{name: values[name] for name in _FIELDS})
    except OSError as error:
        raise ArchiveError(f"what {archive} must contain is not known: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError(f"{file} is damaged, so that {archive} cannot be proven: {error!r}") from error


_FIELDS = [field.name for field in fields(Dump) if field.name != "archive"]


def _digest(archive: Path) -> tuple[int, str]:
    size, found = 0, hashlib.sha256()
    with archive.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            found.update(block)
    return size, found.hexdigest()


def _prove(dump: Dump) -> None:
    scan = Scan()
    for line in _lines(dump.archive, 0, dump.definitions_at):
        scan.line(line)
    tail = b""
    for block in dump.read_definitions():
        tail = (tail + block)[-200:]
    has_definitions = any(dump.definitions.values())
    if not scan.complete or (has_definitions and not ends(tail)):
        raise ArchiveError(f"{dump.archive} does not end as a complete dump does")
    if scan.rows != dump.tables:
        differ = differing(scan.rows, dump.tables)
        raise ArchiveError(f"{dump.archive} does not contain what {CONTENTS} says: {', '.join(differ)}")


def differing(rows: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    """The tables that are not in both, or have another number of rows."""
    return sorted(name for name in {**rows, **wanted} if rows.get(name) != wanted.get(name))


def _unpacked(archive: Path, begin: int, end: int) -> Iterator[bytes]:
    with archive.open("rb") as file, gzip.GzipFile(fileobj=_Part(file, begin, end)) as content:
        while begin < end and (block := content.read(_BLOCK)):
            yield block


def _lines(archive: Path, begin: int, end: int) -> Iterator[bytes]:
    with archive.open("rb") as file, gzip.GzipFile(fileobj=_Part(file, begin, end)) as content:
        yield from content


class _Part(io.RawIOBase):
    """Some bytes of a file, as a file of their own."""

    def __init__(self, file: io.BufferedReader, begin: int, end: int):
        self._file, self._left = file, end - begin
        file.seek(begin, os.SEEK_SET)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block
