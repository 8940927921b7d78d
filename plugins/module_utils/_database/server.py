# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the database's programs in its container.

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

_EXIT_TIMEOUT = 10  # seconds for a program to end when its input or output is closed


class Server:
    """A stack's database server. `compose` is a command such as docker compose --project-directory /srv/shop.

    Every method raises DockerError where its command fails.
    """

    def __init__(self, compose: Sequence[str]):
        self.compose = tuple(compose)

    def schema(self) -> str:
        """Return the name of the stack's own schema."""
        return self._run(mysql.print_schema_name()).strip()

    def free_bytes(self) -> int:
        """Return the free bytes on the file system of the database's files."""
        return mysql.parse_free_bytes(self._run(mysql.print_free_space()))

    def contents(self, schema: str) -> mysql.SchemaContents:
        """Return the objects in a schema."""
        return mysql.parse_contents(self.query(mysql.select_contents(schema)))

    def count_rows(self, schema: str, tables: Sequence[str]) -> dict[str, int]:
        """Return the number of rows of each table."""
        output = self.query(mysql.count_rows(schema, tables)) if tables else ""
        return dict(zip(tables, map(int, output.split())))

    def applied_migrations(self, schema: str, tables: Collection[str]) -> list[tuple[str, str]]:
        """Return the migrations that Django has applied to a schema with these tables, as app and name."""
        if mysql.MIGRATIONS not in tables:
            return []
        return sorted((app, name) for app, name in json.loads(self.query(mysql.select_applied_migrations(schema))))

    @contextlib.contextmanager
    def largest_packets(self) -> Iterator[None]:
        """Accept rows as large as MySQL allows in connections opened inside this context."""
        former = int(self.query(mysql.select_max_packet()))
        self.query(mysql.set_max_packet(mysql.LARGEST_PACKET))
        try:
            yield
        finally:
            # Failure is harmless: the server accepts larger rows until it restarts.
            with contextlib.suppress(DockerError):
                self.query(mysql.set_max_packet(former))

    def query(self, sql: str) -> str:
        """Run SQL and return its output."""
        return self._run(mysql.client_command(), sql.encode())

    def load(self, schema: str, blocks: Iterable[bytes]) -> None:
        """Load a dump into a schema."""
        with _Process([*self.compose, *mysql.loader_command(schema)], stdin=subprocess.PIPE) as process:
            process.feed(blocks)

    def kill_interrupted_load(self) -> None:
        """Kill the load of an earlier run that was killed: it goes on in the container and may lock tables."""
        connection = self.query(mysql.select_loading_connection()).strip()
        if connection == "NULL":
            return
        try:
            self.query(mysql.kill_connection(int(connection)))
        except DockerError:
            # The load may have ended by itself meanwhile.
            if self.query(mysql.select_loading_connection()).strip() == connection:
                raise

    def dump_lines(self, command: Sequence[str]) -> Iterator[bytes]:
        """Run a mysqldump command and yield its lines. Raises DockerError after the last line where it failed."""
        with _Process([*self.compose, *command], stdout=subprocess.PIPE) as process:
            yield from process.lines()

    def dump_definitions(self, schema: str, objects: mysql.SchemaContents) -> bytes:
        """All of a schema that has no rows, as SQL."""
        return b"".join(
            line for command in mysql.dump_definitions(schema, objects) for line in self.dump_lines(command)
        )

    def _run(self, command: Sequence[str], stdin: bytes = b"") -> str:
        with _Process([*self.compose, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            return process.communicate(stdin).decode(errors="replace")


class _Process:
    """A command with large input or output. Raises DockerError with its last lines where it fails."""

    def __init__(self, command: Sequence[str], stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL):
        self.command = list(command)
        self.stdin, self.stdout = stdin, stdout

    def __enter__(self) -> _Process:
        # A file: nobody reads a pipe meanwhile, and a full one would block the program.
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
                # First let it end at the end of its input: killing docker would leave the program in the container.
                code = process.wait(_EXIT_TIMEOUT if kind else None)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if kind is None and code:
                raise DockerError(self._failure(code))

    def _failure(self, code: int) -> str:
        self._errors.seek(0)
        output = last_lines(self._errors.read().decode(errors="replace"), 20)
        return f"{mysql.program_name(self.command)} in the container {mysql.SERVICE} failed with code {code}:\n{output}"

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of its output."""
        yield from self._process.stdout or ()

    def communicate(self, stdin: bytes) -> bytes:
        """Write its input and return its output."""
        return self._process.communicate(stdin)[0]

    def feed(self, blocks: Iterable[bytes]) -> None:
        """Write its input block by block. Where it stops reading, its exit code says why."""
        try:
            with cast("IO[bytes]", self._process.stdin) as pipe:
                for block in blocks:
                    pipe.write(block)
        except BrokenPipeError:
            if self._process.wait() == 0:
                name = mysql.program_name(self.command)
                raise DockerError(f"{name} ended before it read all of its input") from None
