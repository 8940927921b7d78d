# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the collection needs to know of a database engine. Each engine is one subclass in a file of its own.

A schema is what Django uses as its database: a database of PostgreSQL, a schema of MySQL. Everything here is pure: the
methods return commands, to be run inside the container of the server, and SQL, for its client. `_database.server` and
`_secrets.rotation` run them. Private to this collection.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.landfall.django.plugins.module_utils._database.locks import Change
from ansible_collections.landfall.django.plugins.module_utils._database.versions import Versions

if TYPE_CHECKING:
    from ansible_collections.landfall.django.plugins.module_utils._database.rewriter import Rewriter

# The services in compose.yaml: the stack's own server, and a client of one that is elsewhere.
SERVICE, CLIENT = "db", "database-client"
# Secrets as the container sees them. A rotation replaces the files.
USER, PASSWORD, ROOT_PASSWORD = "/run/secrets/user", "/run/secrets/password", "/run/secrets/root_password"
MIGRATIONS = "django_migrations"
# Values of stack_database_tls: the certificate must be valid for the host name; encryption only; none.
TLS = (VERIFY, REQUIRE, DISABLE) = ("verify-full", "require", "disable")
CA_FILE = "/run/landfall/database-ca.pem"  # in the client's container and the project's
_TEXTS = ("server", "version", "charset", "collation")


@dataclass(frozen=True)
class SchemaContents:
    """The objects in a schema, and its server. `charset` is empty where the schema does not exist.

    `definitions` has the names of objects without rows, by kind.
    """

    server: str
    version: str
    charset: str
    collation: str
    data_bytes: int
    tables: tuple[str, ...] = ()
    not_transactional: tuple[str, ...] = ()
    broken_views: tuple[str, ...] = ()
    definitions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, output: str, kinds: Sequence[str]) -> SchemaContents:
        """Parse a JSON object with these fields, and one list of names for each of the `kinds` of definitions."""
        values: dict[str, Any] = json.loads(output)
        lists = {key: tuple(sorted(value or ())) for key, value in values.items() if key not in (*_TEXTS, "data_bytes")}
        definitions = {kind: lists.pop(kind) for kind in kinds}
        server, version, charset, collation = (str(values[key] or "") for key in _TEXTS)
        size = int(values["data_bytes"] or 0)
        return cls(server, version, charset, collation, size, definitions=definitions, **lists)


class DumpScanner(ABC):
    """Reads the tables' part of a dump line by line, and counts the rows of each table.

    `complete` is true when the dump program's last line was read, and nothing else after it.
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.bytes = 0
        self.complete = False

    @abstractmethod
    def feed(self, line: bytes) -> None:
        """Read the next line."""

    @property
    @abstractmethod
    def in_rows(self) -> bool:
        """Whether the next line belongs to the rows of a table."""


@dataclass(frozen=True)
class Packages:
    """Debian packages for the engine's driver in a generated Dockerfile: to build it, and to run it."""

    build: tuple[str, ...]
    run: tuple[str, ...]


class Engine(ABC):
    """One kind of database server. `name` is the value of stack_database.

    With `external`, its server is elsewhere: commands run in a container with the client alone, and log in as the
    project's user with what the environment there says (DATABASE_HOST, DATABASE_PORT, DATABASE_USER, DATABASE_TLS).
    """

    name: str
    title: str  # as its makers write it
    vendor: str  # as Django names it; MariaDB apart from MySQL
    django_vendor: str  # as the settings name it: the same for both
    image: str  # default image
    scheme: str  # of DATABASE_URL
    port: int
    administrator: str  # the user that belongs to the server itself
    reserved_prefixes: tuple[str, ...] = ()  # of other such users
    packages: Packages
    drivers: tuple[str, ...]  # Python packages that Django connects with; a build without any adds the first
    least_memory_mib: int  # with which it takes a dump, too
    words_in_settings: str  # pattern by which settings name it, in ENGINE or an address; empty for none of its own
    client: str  # program that runs SQL
    dump_program: str
    after_failed_migration: str  # what stays of a migration that failed
    list_connections: str  # how a user finds out who is connected
    refusals: tuple[str, ...]  # what the client prints where a password is wrong
    definition_kinds: tuple[str, ...]
    versions: Versions
    migrations_table: str = MIGRATIONS
    # Whether a login takes a second password; else two logins take turns at a rotation.
    has_dual_passwords: bool = True
    # Whether a schema is emptied by creating it again, so that its contents need not be known.
    recreates_schemas: bool = False
    # Shell script for /docker-entrypoint-initdb.d, for what the image's variables cannot say.
    init_script: str = ""
    # How the dumps begin that can be imported, after other comments.
    dump_titles: tuple[bytes, ...]
    # How an archive begins that `unpacker_command` turns into SQL; empty where the dump program writes only SQL.
    archive_magic: bytes = b""
    # What the server and the program that dumps it have in common.
    series_pattern: str = r"\d+\.\d+"

    def __init__(self, external: bool = False):
        self.external = external

    def url_options(self, tls: str, ca_file: str) -> str:
        """Return the query of a DATABASE_URL for an external server. `tls` is one of TLS."""
        return ""

    @abstractmethod
    def buffer_mib(self, memory_mib: int) -> int:
        """Return how much of its memory limit the server's own cache of the data takes."""

    # Commands

    def schema_command(self) -> list[str]:
        """A command that prints the name of the stack's own schema."""
        return ["printenv", "DATABASE_NAME"]

    @abstractmethod
    def free_space_command(self) -> list[str]:
        """A command whose output `parse_free_bytes` reads."""

    @abstractmethod
    def client_command(self, schema: str = "") -> list[str]:
        """A client that runs SQL from standard input as the administrator, up to the first error.

        It prints one row per line, values only. Without a `schema` it uses none of the project's.
        """

    @abstractmethod
    def loader_command(self, schema: str) -> list[str]:
        """A client that loads a dump into a schema."""

    @abstractmethod
    def login_command(self, *, administrator: bool, user: str = "") -> list[str]:
        """A client that reads the password from the first line of its input, then SQL.

        It logs in as the administrator, or as `user` over TCP.
        """

    @abstractmethod
    def dump_tables(self, schema: str, contents: SchemaContents) -> list[str]:
        """A command that dumps all tables with their rows, as of one moment."""

    def dump_definitions(self, schema: str, contents: SchemaContents) -> list[list[str]]:
        """Commands that dump all objects without rows, if `dump_tables` leaves them out."""
        return []

    @abstractmethod
    def scanner(self) -> DumpScanner:
        """A new scanner for the output of `dump_tables`."""

    @abstractmethod
    def is_complete(self, text: bytes) -> bool:
        """Whether a text ends with the dump program's last line."""

    @abstractmethod
    def client_version_command(self) -> list[str]:
        """A command that prints the version of the dump program."""

    def series(self, version: str) -> str:
        """Return the part of a version, as a server or a program prints it, that a dump program must share."""
        found = re.search(self.series_pattern, version)
        return found[0] if found else version

    # The dump of another server

    @abstractmethod
    def rewriter(self, user: str = "", collation: str = "") -> Rewriter:
        """A new rewriter. What it writes suits a server whose project has this user, and this collation."""

    def importer_command(self, schema: str) -> list[str]:
        """A client that loads the dump of another server, rewritten."""
        return self.loader_command(schema)

    def unpacker_command(self) -> list[str]:
        """A program that reads an archive from its input and prints SQL; none where `archive_magic` is empty."""
        return []

    # SQL about the server, for a client without a schema

    @abstractmethod
    def select_server(self) -> str:
        """A query for the id of the server, which no other server has."""

    @abstractmethod
    def select_other_schemas(self, schema: str) -> str:
        """A query for the schemas that are neither this one nor the server's own, one name per line."""

    @abstractmethod
    def identity(self) -> str:
        """A query for what tells this server from all others that run now, and for the schema in use.

        The project's own user may run it.
        """

    @abstractmethod
    def create_schema(self, schema: str, charset: str, collation: str) -> str:
        """Create a schema with a character set and collation, as `SchemaContents` has them."""

    @abstractmethod
    def drop_schema(self, schema: str) -> str:
        """Drop a schema, if it exists."""

    @abstractmethod
    def empty_schema(self, schema: str, contents: SchemaContents, charset: str, collation: str) -> str:
        """Drop all objects in a schema, and give it this character set and collation.

        Where `recreates_schemas` is true, `contents` says nothing, and the schema may be missing.
        """

    @abstractmethod
    def refuse_connections(self, schema: str, contents: SchemaContents) -> str:
        """Fail where another connection uses the schema."""

    @abstractmethod
    def select_loads(self) -> str:
        """A query for the connections that load a dump, one id per line."""

    @abstractmethod
    def kill_connection(self, connection: int) -> str:
        """End a connection."""

    def select_row_limit(self) -> str:
        """A query for the largest row that the server accepts, in bytes; empty where it has no such limit."""
        return ""

    def set_row_limit(self, size: int) -> str:
        """Set that limit for connections opened after it; with 0 to the highest one. Empty where there is none."""
        return ""

    # SQL about a schema, for a client with that schema

    @abstractmethod
    def select_contents(self, schema: str) -> str:
        """A query whose result `parse_contents` reads."""

    @abstractmethod
    def count_rows(self, schema: str, tables: Iterable[str]) -> str:
        """A query for the number of rows of each table, one per line."""

    @abstractmethod
    def select_applied_migrations(self, schema: str) -> str:
        """A query for the migrations that Django has applied to a schema, as a JSON list of pairs."""

    @abstractmethod
    def rehearsal_schema(self, schema: str) -> str:
        """Return the name of the schema into which a dump is loaded for a test."""

    def create_extension(self, name: str) -> str:
        """Install an extension in the schema, unless it is there; empty where the engine has no extensions."""
        return ""

    def select_outdated_collation(self) -> str:
        """A query for the collation version that the schema's indexes were made with and the present one.

        It prints them in two columns, and nothing where both are the same. Empty where an engine brings its own
        collations.
        """
        return ""

    def outdated_collation(self, schema: str, row: str) -> str:
        """Return the warning for a row of `select_outdated_collation`. Empty where that is."""
        return ""

    @abstractmethod
    def take_migration_lock(self) -> str:
        """A query that takes the lock for migrations until its client ends. It prints 1, or 0 where another has it."""

    def try_rights(self) -> str:
        """SQL that fails where the user may not do what migrations do: create, change and drop a table."""
        table = "landfall_rights"
        return f"CREATE TABLE {table} (id INTEGER); ALTER TABLE {table} ADD COLUMN other INTEGER; DROP TABLE {table};"

    # Migrations

    @abstractmethod
    def locks(self, change: Change) -> Iterator[str]:
        """Yield how a change of a migration blocks a table while it works through the rows, as `_database.locks`."""

    # Passwords

    @abstractmethod
    def add_password(self, user: str, old: str, new: str) -> str:
        """Let a login use the new password; with `has_dual_passwords` the old one too. A missing login is created."""

    @abstractmethod
    def discard_old_password(self, user: str, password: str) -> str:
        """Let a login use this password only."""

    def disable_login(self, user: str) -> str:
        """Let nobody use a login any more, and end its connections. Empty with `has_dual_passwords`."""
        return ""

    # Results

    def parse_contents(self, output: str) -> SchemaContents:
        """Parse the result of `select_contents`."""
        return SchemaContents.parse(output, self.definition_kinds)

    @staticmethod
    def parse_free_bytes(output: str) -> int:
        """Return the free bytes on the file system of the database's files, from the output of `df -Pk`."""
        return int(output.splitlines()[-1].split()[-3]) * 1024
