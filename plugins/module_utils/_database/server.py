# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the database's programs in the container of its service.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import IO, cast

from ansible_collections.landfall.django.plugins.module_utils._commands.run import start
from ansible_collections.landfall.django.plugins.module_utils._database import mysql
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, last_lines

_PATIENCE = 10  # seconds for a program to notice that nobody wants it any more


class Server:
    """The database server of a stack, reached by `compose`, such as docker compose --project-directory /srv/shop."""

    def __init__(self, compose: Sequence[str]):
        self.compose = tuple(compose)

    def schema(self) -> str:
        """The name of the stack's own schema."""
        return self._run(mysql.schema_name()).strip()

    def free_bytes(self) -> int:
        """What is free where the database keeps its files."""
        return mysql.free_bytes(self._run(mysql.free_space()))

    def look(self, schema: str) -> mysql.Objects:
        """What a schema holds."""
        return mysql.objects(self.ask(mysql.look(schema)))

    def rows(self, schema: str, tables: Sequence[str]) -> dict[str, int]:
        """Count the rows of each table."""
        said = self.ask(mysql.count(schema, tables)) if tables else ""
        return dict(zip(tables, map(int, said.split())))

    def migrations(self, schema: str, tables: Collection[str]) -> list[tuple[str, str]]:
        """What Django has applied to a schema with these tables, as app and name."""
        if mysql.MIGRATIONS not in tables:
            return []
        return sorted((app, name) for app, name in json.loads(self.ask(mysql.applied(schema))))

    @contextlib.contextmanager
    def largest_rows(self) -> Iterator[None]:
        """Take rows as large as MySQL can, in connections made meanwhile."""
        former = int(self.ask(mysql.get_packet()))
        self.ask(mysql.set_packet(mysql.LARGEST_PACKET))
        try:
            yield
        finally:
            # Where this fails, rows may be larger than before until the server starts again: no harm.
            with contextlib.suppress(DockerError):
                self.ask(mysql.set_packet(former))

    def ask(self, sql: str) -> str:
        """Run SQL and return what it printed."""
        return self._run(mysql.client(), sql.encode())

    def load(self, schema: str, blocks: Iterable[bytes]) -> None:
        """Run a dump in a schema."""
        with _Process([*self.compose, *mysql.loader(schema)], stdin=subprocess.PIPE) as process:
            process.feed(blocks)

    def end_load(self) -> None:
        """End what a run that was killed still loads in the container: it may have tables locked."""
        connection = self.ask(mysql.loading()).strip()
        if connection != "NULL":
            self.ask(mysql.kill(int(connection)))

    def dump(self, command: Sequence[str]) -> Iterator[bytes]:
        """Run a command of mysqldump and return its lines. Raises DockerError after the last one where it failed."""
        with _Process([*self.compose, *command], stdout=subprocess.PIPE) as process:
            yield from process.lines()

    def definitions(self, schema: str, objects: mysql.Objects) -> bytes:
        """All of a schema that has no rows, as SQL."""
        return b"".join(line for command in mysql.dump_definitions(schema, objects) for line in self.dump(command))

    def _run(self, command: Sequence[str], given: bytes = b"") -> str:
        with _Process([*self.compose, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            return process.talk(given).decode(errors="replace")


class _Process:
    """A command that reads or writes much. Raises DockerError with its last words where it fails."""

    def __init__(self, command: Sequence[str], stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL):
        self.command = list(command)
        self.stdin, self.stdout = stdin, stdout

    def __enter__(self) -> _Process:
        # A file, since a pipe that nobody reads meanwhile would be full at some time.
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = start(self.command, self.stdin, self.stdout, self._errors)
        except FileNotFoundError as error:
            self._errors.close()
            raise DockerError("the docker command is missing: apply the role landfall.django.docker first") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        process = self._process
        with self._errors:
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            try:
                # A docker command that is killed leaves its program in the container; at the end of its input it ends.
                code = process.wait(_PATIENCE if kind else None)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if kind is None and code:
                raise DockerError(self._failure(code))

    def _failure(self, code: int) -> str:
        self._errors.seek(0)
        said = last_lines(self._errors.read().decode(errors="replace"), 20)
        return f"{mysql.program(self.command)} in the container {mysql.SERVICE} ended with code {code}:\n{said}"

    def lines(self) -> Iterator[bytes]:
        """What it prints, line by line."""
        yield from self._process.stdout or ()

    def talk(self, given: bytes) -> bytes:
        """What it prints after it was given its input."""
        return self._process.communicate(given)[0]

    def feed(self, blocks: Iterable[bytes]) -> None:
        """Give it its input block by block; where it stops reading, its end says why."""
        try:
            with cast("IO[bytes]", self._process.stdin) as pipe:
                for block in blocks:
                    pipe.write(block)
        except BrokenPipeError:
            if self._process.wait() == 0:
                raise DockerError(f"{mysql.program(self.command)} ended before it had read its input") from None
