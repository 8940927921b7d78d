# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the database's programs in its container.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import IO, cast

from ansible_collections.landfall.django.plugins.module_utils._commands.run import start
from ansible_collections.landfall.django.plugins.module_utils._database.engine import (
    CLIENT,
    SERVICE,
    USER,
    Engine,
    SchemaContents,
)
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, last_lines

_UNKNOWN = SchemaContents("", "", "", "", 0)
_EXIT_TIMEOUT = 10  # seconds for a program to end when its input or output is closed


class Server:
    """The database server of a stack, its own or an external one.

    `compose` is a command such as docker compose --project-directory /srv/shop. A schema is what `_database.engine`
    calls one. Every method raises DockerError where its command fails.
    """

    def __init__(self, compose: Sequence[str], engine: Engine):
        self.engine = engine
        if engine.external:
            self.service = CLIENT
            self._inside = (*compose, "--profile", "release", "run", "--rm", "--no-deps", "-T", CLIENT)
        else:
            self.service = SERVICE
            self._inside = (*compose, "exec", "-T", SERVICE)

    def schema(self) -> str:
        """Return the name of the stack's own schema."""
        return self._run(self.engine.schema_command()).strip()

    def user(self) -> str:
        """Return the name of the project's user."""
        return self._run(["cat", USER]).strip()

    def id(self) -> str:
        """Return the id of the server, which changes only where its data is created again."""
        # The user of an external server may know no other schema than its own.
        return self.query(self.engine.select_server(), self.schema() if self.engine.external else "").strip()

    def identity(self, schema: str) -> str:
        """Return what the project learns of the same server by the engine's `identity`."""
        return re.split(r"[|\t]", self.query(f"{self.engine.identity()};", schema).strip())[0]

    def client_version(self) -> str:
        """Return what the dump program prints as its version."""
        return self._run(self.engine.client_version_command()).strip()

    def free_bytes(self) -> int:
        """Return the free bytes on the file system of the database's files."""
        return self.engine.parse_free_bytes(self._run(self.engine.free_space_command()))

    def other_schemas(self, schema: str) -> list[str]:
        """Return the schemas that are neither this one nor the server's own."""
        return self.query(self.engine.select_other_schemas(schema)).splitlines()

    def contents(self, schema: str) -> SchemaContents:
        """Return the objects in a schema."""
        return self.engine.parse_contents(self.query(self.engine.select_contents(schema), schema))

    def count_rows(self, schema: str, tables: Sequence[str]) -> dict[str, int]:
        """Return the number of rows of each table."""
        output = self.query(self.engine.count_rows(schema, tables), schema) if tables else ""
        return dict(zip(tables, map(int, output.split())))

    def applied_migrations(self, schema: str, tables: Collection[str]) -> list[tuple[str, str]]:
        """Return the migrations that Django has applied to a schema with these tables, as app and name."""
        if self.engine.migrations_table not in tables:
            return []
        found = json.loads(self.query(self.engine.select_applied_migrations(schema), schema))
        return sorted((app, name) for app, name in found)

    def create(self, schema: str, charset: str, collation: str) -> None:
        """Create a schema. One that exists is dropped first."""
        self.query(self.engine.drop_schema(schema) + self.engine.create_schema(schema, charset, collation))

    def drop(self, schema: str) -> None:
        """Drop a schema, if it exists."""
        self.query(self.engine.drop_schema(schema))

    def empty(self, schema: str, charset: str, collation: str) -> None:
        """Drop everything in a schema."""
        contents = _UNKNOWN if self.engine.recreates_schemas else self.contents(schema)
        self.query(self.engine.empty_schema(schema, contents, charset, collation))

    def refuse_connections(self, schema: str) -> None:
        """Raise DockerError where another connection uses the schema."""
        self.query(self.engine.refuse_connections(schema, self.contents(schema)))

    @contextlib.contextmanager
    def largest_rows(self) -> Iterator[None]:
        """Accept rows as large as the engine allows in connections opened inside this context."""
        ask = self.engine.select_row_limit()
        former = int(self.query(ask)) if ask else 0
        if former:
            self.query(self.engine.set_row_limit(0))
        try:
            yield
        finally:
            # Failure is harmless: the server accepts larger rows until it restarts.
            with contextlib.suppress(DockerError):
                if former:
                    self.query(self.engine.set_row_limit(former))

    @contextlib.contextmanager
    def migration_lock(self, schema: str) -> Iterator[None]:
        """Hold the lock for migrations inside this context: releases from several hosts may use one external server.

        Raises DockerError where another release holds it.
        """
        command = self.engine.client_command(schema)
        with self._process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.ask(self.engine.take_migration_lock()) != "1":
                raise DockerError(f"another release is migrating the database {schema}: wait until it has ended")
            # From here on it is the migration that counts.
            process.may_fail = True
            yield

    def query(self, sql: str, schema: str = "") -> str:
        """Run SQL and return its output."""
        return self._run(self.engine.client_command(schema), sql.encode())

    def load(self, schema: str, blocks: Iterable[bytes]) -> None:
        """Load a dump into a schema."""
        self._feed(self.engine.loader_command(schema), blocks)

    def load_foreign(self, schema: str, lines: Iterable[bytes]) -> None:
        """Load the dump of another server, rewritten, into a schema."""
        self._feed(self.engine.importer_command(schema), lines)

    def _feed(self, command: Sequence[str], blocks: Iterable[bytes]) -> None:
        with self._process(command, stdin=subprocess.PIPE) as process:
            process.feed(blocks)

    def kill_interrupted_load(self) -> None:
        """Kill the loads of earlier runs that were killed: they go on in the container and may lock tables."""
        for connection in self._loads():
            self._kill(connection)

    def _kill(self, connection: str) -> None:
        try:
            self.query(self.engine.kill_connection(int(connection)))
        except DockerError:
            # The load may have ended by itself meanwhile.
            if connection in self._loads():
                raise

    def _loads(self) -> list[str]:
        return self.query(self.engine.select_loads()).split()

    def dump_tables(self, schema: str, contents: SchemaContents) -> Iterator[bytes]:
        """Yield the lines of a dump of all tables. Raises DockerError after the last line where it failed."""
        return self._lines(self.engine.dump_tables(schema, contents))

    def dump_definitions(self, schema: str, contents: SchemaContents) -> bytes | None:
        """Return everything in a schema that `dump_tables` leaves out, as SQL. None if it leaves out nothing."""
        commands = self.engine.dump_definitions(schema, contents)
        return b"".join(line for command in commands for line in self._lines(command)) if commands else None

    def _lines(self, command: Sequence[str]) -> Iterator[bytes]:
        with self._process(command, stdout=subprocess.PIPE) as process:
            yield from process.lines()

    def _run(self, command: Sequence[str], stdin: bytes = b"") -> str:
        with self._process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            return process.communicate(stdin).decode(errors="replace")

    def _process(
        self, command: Sequence[str], stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> _Process:
        name = f"{_program(command)} in the container {self.service}"
        return _Process([*self._inside, *command], name, stdin, stdout)


def lines_of(command: Sequence[str], program: str, file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines that a program on this host prints when it reads a file. Raises DockerError where it fails."""
    with _Process(command, program, file.fileno(), subprocess.PIPE) as process:
        yield from process.lines()


class _Process:
    """A command with large input or output. Raises DockerError with its last lines where it fails."""

    def __init__(self, command: Sequence[str], program: str, stdin: int, stdout: int):
        self.command = list(command)
        self.program = program
        self.may_fail = False
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
            if kind is None and code and not self.may_fail:
                raise DockerError(self._failure(code))

    def _failure(self, code: int) -> str:
        self._errors.seek(0)
        output = last_lines(self._errors.read().decode(errors="replace"), 20)
        return f"{self.program} failed with code {code}:\n{output}"

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of its output."""
        yield from self._process.stdout or ()

    def ask(self, question: str) -> str:
        """Write a line of input and return the line that answers it. Empty where the command has ended."""
        with contextlib.suppress(BrokenPipeError):
            stdin = cast("IO[bytes]", self._process.stdin)
            stdin.write(question.encode())
            stdin.flush()
        return cast("IO[bytes]", self._process.stdout).readline().decode().strip()

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
                raise DockerError(f"{self.program} ended before it read all of its input") from None


def _program(command: Sequence[str]) -> str:
    """Return the name of the program that a command of an engine runs: by itself, or with `sh -c SCRIPT sh`."""
    return command[command.index("-c") + 3] if "-c" in command else command[0]
