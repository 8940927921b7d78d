# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dump of an existing site, made elsewhere: read it to its end, and give it to the stack's server.

It is SQL, SQL packed by gzip, or an archive that a program of the engine unpacks. It is never in memory as a whole, and
its file is never changed. Private to this collection.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO

from ansible_collections.landfall.django.plugins.module_utils._database.archive import digest
from ansible_collections.landfall.django.plugins.module_utils._database.engine import Engine
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._database.rewriter import OtherDatabaseError, Rewriter
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server, lines_of
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

_GZIP = b"\x1f\x8b"
_HEAD = 20  # lines in which a dump says what it is
_SPARE = 128 << 20  # bytes that stay free on the disk
_INDEXES = 1.5  # how much larger than its SQL the data may become


class ForeignError(Exception):
    """The dump cannot be imported. The message says why, and what to do."""


@dataclass(frozen=True)
class Foreign:
    """A dump that was read to its end. `rows` has the number of rows of each table."""

    file: Path
    sha256: str
    bytes: int
    sql_bytes: int
    rows: dict[str, int]
    extensions: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class Loaded:
    """What is in the database: its rows, and the character sets and collations that texts had in the dump only."""

    rows: int
    converted: list[str]


class ForeignDump:
    """The file `path`, to be loaded into a server of `engine`, whose programs are in `image`."""

    def __init__(self, path: Path, engine: Engine, image: str):
        self.path = path
        self.engine = engine
        self.image = image

    def examine(self) -> Foreign:
        """Read the dump to its end. Raises ForeignError where it cannot be imported."""
        if not self.path.is_file():
            raise ForeignError(f"{self.path} is not a file on this host: copy the dump there")
        rewriter = self.engine.rewriter()
        with self._errors():
            lines = self._lines()
            head = list(islice(lines, _HEAD))
            self._recognize(head)
            for line in chain(head, lines):
                rewriter.rewrite(line)
        self._check(rewriter)
        size, sha256 = digest(self.path)
        scan = rewriter.scanner
        return Foreign(self.path, sha256, size, scan.bytes, scan.rows, frozenset(rewriter.extensions))

    def load(self, server: Server, schema: str, found: Foreign) -> Loaded:
        """Load the dump into an empty schema.

        Raises ForeignError where there is no room, and DockerError where the server refuses it or rows are missing.
        """
        needed, free = int(found.sql_bytes * _INDEXES) + _SPARE, server.free_bytes()
        if free < needed:
            raise ForeignError(
                f"{self.path} needs about {needed >> 20} MiB in the database, but the file system of the database's"
                f" files has only {free >> 20} MiB free: free some space there"
            )
        rewriter = self.engine.rewriter(server.user(), server.contents(schema).collation)
        with self._errors(), server.largest_rows():
            server.load_foreign(schema, filter(None, map(rewriter.rewrite, self._lines())))
        rows = server.count_rows(schema, list(found.rows))
        if fewer := [name for name, count in found.rows.items() if rows[name] < count]:
            raise DockerError(f"rows are missing in the tables {', '.join(fewer)}")
        return Loaded(sum(rows.values()), sorted(rewriter.converted))

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            magic = file.peek(5)
            if self._is_archive(magic):
                # Peeking has moved the position that the program gets.
                os.lseek(file.fileno(), 0, os.SEEK_SET)
                yield from self._unpacked(file)
            elif magic.startswith(_GZIP):
                with gzip.GzipFile(fileobj=file) as content:
                    yield from content
            else:
                yield from file

    def _is_archive(self, content: bytes) -> bool:
        return bool(self.engine.archive_magic) and content.startswith(self.engine.archive_magic)

    def _unpacked(self, file: IO[bytes]) -> Iterator[bytes]:
        program, *options = self.engine.unpacker_command()
        inside = ("docker", "run", "--rm", "--interactive", "--network=none", f"--entrypoint={program}", self.image)
        try:
            yield from lines_of([*inside, *options], program, file)
        except DockerError as error:
            raise ForeignError(
                f"{self.path} cannot be unpacked: it is damaged, or was made by a newer {self.engine.dump_program} than"
                f" that of {self.image} (stack_database_image): {error}"
            ) from error

    def _recognize(self, head: Sequence[bytes]) -> None:
        if not any(head):
            raise ForeignError(f"{self.path} is empty")
        if self._is_archive(head[0]):
            raise ForeignError(f"{self.path} is packed twice: unpack it with gunzip")
        if _is_dump_of(self.engine, head):
            return
        other = next((engine for engine in ENGINES.values() if _is_dump_of(engine, head)), None)
        if other:
            raise ForeignError(
                f"{self.path} is a dump of {other.title}, and this stack has {self.engine.title}: set stack_database to"
                f" {other.name}, or move the data with Django (see docs/databases.md)"
            )
        raise ForeignError(
            f"{self.path} does not begin like the output of {self.engine.dump_program}: make it with that program, and"
            " do not leave its comments out"
        )

    def _check(self, rewriter: Rewriter) -> None:
        program = self.engine.dump_program
        if not rewriter.scanner.complete:
            raise ForeignError(
                f"{self.path} is incomplete: the last line that {program} writes is missing. Copy the file again, or"
                " make it again"
            )
        if not rewriter.scanner.rows:
            raise ForeignError(f"{self.path} contains no table that {program} writes with its defaults")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OtherDatabaseError as error:
            raise ForeignError(
                f"{self.path} names a database of its own ({error}), and the stack has one already: make a dump of one"
                f" database, with {self.engine.dump_program} and without its options for creating or choosing databases"
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise ForeignError(f"{self.path} cannot be read to its end: {error}. Copy the file again") from error


def _is_dump_of(engine: Engine, head: Sequence[bytes]) -> bool:
    begins_as_archive = bool(engine.archive_magic) and head[0].startswith(engine.archive_magic)
    return begins_as_archive or any(line.startswith(engine.dump_titles) for line in head)
