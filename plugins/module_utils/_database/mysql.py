# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MySQL. Private to this collection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import quote

from ansible_collections.landfall.django.plugins.module_utils._database.engine import (
    DISABLE,
    PASSWORD,
    REQUIRE,
    ROOT_PASSWORD,
    VERIFY,
    DumpScanner,
    Engine,
    Packages,
    SchemaContents,
)
from ansible_collections.landfall.django.plugins.module_utils._database.locks import Change, mysql_locks
from ansible_collections.landfall.django.plugins.module_utils._database.rewriter import MySQLRewriter
from ansible_collections.landfall.django.plugins.module_utils._database.versions import Versions

# The password is read from a file inside the container: every user of the host could read it on a command line.
_AS_ROOT = f'MYSQL_PWD="$(cat {ROOT_PASSWORD})" exec "$@"'
_EXTERNAL = (
    f'program=$1; shift; MYSQL_PWD="$(cat {PASSWORD})" exec "$program" --protocol=tcp --host="$DATABASE_HOST"'
    ' --port="$DATABASE_PORT" --user="$DATABASE_USER" {tls} "$@"'
)
# During a rotation the file and the server may differ: the password is then read from the first line of the input.
_LOGIN = 'read -r MYSQL_PWD; export MYSQL_PWD; exec "$@"'
SKIP_TLS = "--skip-ssl"
_PACKET = "--max-allowed-packet=1G"
_LARGEST_PACKET = 1 << 30
# The lock that a loading client takes. The client goes on when its docker command is killed, and is found by its lock.
_MARK = "landfall-load"
_DEFINITIONS = ("--no-data", "--skip-lock-tables")
_END = b"-- Dump completed"
_NAME = rb"`((?:[^`]|``)+)`"
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + _NAME)
_INSERT = re.compile(rb"INSERT INTO " + _NAME)
_QUOTED = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'|`(?:[^`]|``)*`", re.DOTALL)


def _last_upgrade(history: str) -> str:
    return str(json.loads(history)["upgrade_history"][-1]["version"])


class MySQLScanner(DumpScanner):
    """Reads the output of mysqldump and mariadb-dump. Neither has a line break inside a row."""

    def __init__(self) -> None:
        super().__init__()
        self._filled = ""  # the table of an INSERT that has not ended yet

    @property
    def in_rows(self) -> bool:
        return bool(self._filled)

    def feed(self, line: bytes) -> None:
        self.bytes += len(line)
        if line.strip():
            self.complete = line.startswith(_END)
        if not self._filled:
            self._read_statement(line)
        if self._filled:
            # Outside of strings and names, "),(" occurs only between two rows. MariaDB writes each row on its own line.
            bare = _QUOTED.sub(b"", line).rstrip()
            self.rows[self._filled] += bare.count(b"),(") + bare.endswith((b"),", b");"))
            if bare.endswith(b";"):
                self._filled = ""

    def _read_statement(self, line: bytes) -> None:
        if made := _CREATE.match(line):
            self.rows.setdefault(_unquoted(made[1]), 0)
        elif filled := _INSERT.match(line):
            self._filled = _unquoted(filled[1])
            self.rows.setdefault(self._filled, 0)


class MySQL(Engine):
    """MySQL 8.4 and 9.7."""

    name = "mysql"
    title = "MySQL"
    vendor = django_vendor = "mysql"
    image = "mysql:9.7"
    scheme = "mysql"
    port = 3306
    administrator = "root"
    drivers: tuple[str, ...] = ("mysqlclient", "pymysql", "mysql-connector-python")
    words_in_settings = r"mysql|mariadb"
    least_memory_mib = 384
    packages = Packages(build=("default-libmysqlclient-dev",), run=("libmariadb3",))
    dump_program = "mysqldump"
    after_failed_migration = "What it did up to there stays done, since MySQL cannot undo a change of a table."
    list_connections = "SHOW PROCESSLIST"
    refusals = ("Access denied",)
    definition_kinds: tuple[str, ...] = ("views", "triggers", "functions", "procedures", "events")
    # The file exists since 8.4.
    versions = Versions(title, "mysqld", ("mysql_upgrade_history",), read=_last_upgrade, oldest=(8, 4))

    dump_titles = (b"-- MySQL dump ", b"-- MariaDB dump ")
    collations = "utf8mb4_0900"  # how those begin that tell accents or case apart

    client = "mysql"
    # Shell words that the client needs for each value of stack_database_tls.
    client_tls = (
        '$(case "$DATABASE_TLS" in'
        f" {VERIFY}) echo --ssl-mode=VERIFY_IDENTITY --ssl-ca=${{DATABASE_CA:-/etc/ssl/certs/ca-certificates.crt}} ;;"
        f" {REQUIRE}) echo --ssl-mode=REQUIRED ;; {DISABLE}) echo --ssl-mode=DISABLED ;; esac)"
    )
    client_options: tuple[str, ...] = ()
    # No --hex-blob: it doubles the size of a row, which may then exceed max_allowed_packet when it is loaded.
    dump_options: tuple[str, ...] = ("--no-tablespaces", "--set-gtid-purged=OFF", "--comments")
    server_id = "@@server_uuid"
    # The time-out ends the wait for a table that an open transaction has locked.
    session = "SESSION lock_wait_timeout=60"
    system_schemas: tuple[str, ...] = ("information_schema", "mysql", "performance_schema", "sys")
    # Sizes as they are now, not of up to a day ago.
    before_contents = "SET SESSION information_schema_stats_expiry = 0; "
    # How information_schema names the kinds of tables that have rows.
    table_types: tuple[str, ...] = ("BASE TABLE",)
    # How an object of each kind is dropped, in this order: events go first, so that none changes the others.
    drops: Mapping[str, str] = MappingProxyType(
        {
            "events": "EVENT",
            "triggers": "TRIGGER",
            "views": "VIEW",
            "tables": "TABLE",
            "functions": "FUNCTION",
            "procedures": "PROCEDURE",
        }
    )
    # What --routines dumps.
    routines: tuple[str, ...] = ("functions", "procedures")

    def url_options(self, tls: str, ca_file: str) -> str:
        # As dj-database-url and mysqlclient read it. A driver that is told nothing does not encrypt.
        authorities = quote(ca_file or "/etc/ssl/certs/ca-certificates.crt")
        return {VERIFY: f"?ssl-ca={authorities}", REQUIRE: "?ssl_mode=REQUIRED"}.get(tls, "")

    def buffer_mib(self, memory_mib: int) -> int:
        # The server takes 210 MiB besides, temporary tables and the clients of a dump take more.
        most = max(memory_mib // 5, (memory_mib - 448) * 2 // 3)
        # The server rounds up to whole chunks of 128 MiB, and of each instance where it has several.
        step = 1024 if most >= 1024 else 128 if most >= 128 else 32
        return most // step * step

    def client_version_command(self) -> list[str]:
        return [self.dump_program, "--version"]

    def free_space_command(self) -> list[str]:
        return ["df", "-Pk", "/var/lib/mysql"]

    def client_command(self, schema: str = "") -> list[str]:
        return self._client(self._session(), schema)

    def loader_command(self, schema: str) -> list[str]:
        return self._client(f"{self._session()}; DO GET_LOCK('{_MARK}', 0)", schema)

    def _session(self) -> str:
        # A binary log would hold the whole restored database again. Only an administrator may write past it.
        return f"SET {self.session}" if self.external else f"SET SESSION sql_log_bin=0, {self.session}"

    def login_command(self, *, administrator: bool, user: str = "") -> list[str]:
        options = ["--batch", "--skip-column-names"]
        login = (
            [f"--user={self.administrator}"]
            if administrator
            else ["--protocol=tcp", "--host=127.0.0.1", f"--user={user}"]
        )
        return ["sh", "-c", _LOGIN, "sh", self.client, *self.client_options, *login, *options]

    def _client(self, first: str, schema: str) -> list[str]:
        # In binary mode it interprets no client command but DELIMITER.
        options = [
            "--default-character-set=utf8mb4",
            "--batch",
            "--raw",
            "--skip-column-names",
            "--binary-mode",
            "--unbuffered",
        ]
        chosen = [f"--database={schema}"] if schema else []
        return self._as_root(self.client, *self.client_options, *options, _PACKET, f"--init-command={first}", *chosen)

    def dump_tables(self, schema: str, contents: SchemaContents) -> list[str]:
        return self._dump("--single-transaction", "--quick", "--skip-triggers", *_no_views(schema, contents), schema)

    def dump_definitions(self, schema: str, contents: SchemaContents) -> list[list[str]]:
        """Routines come before the views that may use them; events, which run by themselves, come last."""
        found = contents.definitions
        alone = (*_DEFINITIONS, "--no-create-info", *_no_views(schema, contents))
        commands = []
        if any(found[kind] for kind in self.routines):
            commands.append(self._dump(*alone, "--skip-triggers", "--routines", schema))
        if found["views"]:
            commands.append(self._dump(*_DEFINITIONS, "--skip-triggers", schema, views=found["views"]))
        if found["triggers"]:
            commands.append(self._dump(*alone, "--triggers", schema))
        if found["events"]:
            commands.append(self._dump(*alone, "--skip-triggers", "--events", schema))
        return commands

    def _dump(self, *words: str, views: Iterable[str] = ()) -> list[str]:
        *options, schema = words
        fixed = (*self.dump_options, "--default-character-set=utf8mb4", _PACKET)
        # The name of a view is no option.
        return self._as_root(self.dump_program, *fixed, *options, "--", schema, *views)

    def _as_root(self, program: str, *arguments: str) -> list[str]:
        if self.external:
            # What is right inside the container would be in the way of TLS.
            given = [argument for argument in arguments if argument != SKIP_TLS]
            # The programs that dump have no such option.
            limit = ["--connect-timeout=10"] if program == self.client else []
            return ["sh", "-c", _EXTERNAL.replace("{tls}", self.client_tls), "sh", program, *limit, *given]
        return ["sh", "-c", _AS_ROOT, "sh", program, f"--user={self.administrator}", *arguments]

    def scanner(self) -> DumpScanner:
        return MySQLScanner()

    def is_complete(self, text: bytes) -> bool:
        return text.rstrip().rpartition(b"\n")[2].startswith(_END)

    def rewriter(self, user: str = "", collation: str = "") -> MySQLRewriter:
        return MySQLRewriter(self.scanner(), user, collation, self.collations)

    def select_server(self) -> str:
        return f"SELECT {self.server_id};"

    def select_other_schemas(self, schema: str) -> str:
        own = ", ".join(map(literal, (schema, *self.system_schemas)))
        return f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ({own});"

    def identity(self) -> str:
        return f"SELECT {self.server_id}, DATABASE()"

    def create_schema(self, schema: str, charset: str, collation: str) -> str:
        return f"CREATE DATABASE {quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"

    def drop_schema(self, schema: str) -> str:
        return f"DROP DATABASE IF EXISTS {quoted(schema)};\n"

    def empty_schema(self, schema: str, contents: SchemaContents, charset: str, collation: str) -> str:
        found = {
            **contents.definitions,
            "tables": contents.tables,
            "views": (*contents.definitions["views"], *contents.broken_views),
        }
        drops = [
            f"DROP {word} IF EXISTS {quoted(schema)}.{quoted(name)};\n"
            for kind, word in self.drops.items()
            for name in found[kind]
        ]
        alter = f"ALTER DATABASE {quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"
        return "SET SESSION foreign_key_checks = 0;\n" + "".join(drops) + alter

    def refuse_connections(self, schema: str, contents: SchemaContents) -> str:
        """An idle connection does no harm: wait until no open transaction uses any of the tables."""
        locked = [f"{quoted(schema)}.{quoted(name)} WRITE" for name in contents.tables]
        return f"LOCK TABLES {', '.join(locked)};\nUNLOCK TABLES;\n" if locked else ""

    def select_loads(self) -> str:
        return f"SELECT IS_USED_LOCK('{_MARK}') FROM DUAL WHERE IS_USED_LOCK('{_MARK}') IS NOT NULL;"

    def kill_connection(self, connection: int) -> str:
        return f"KILL {connection};"

    def take_migration_lock(self) -> str:
        return "SELECT GET_LOCK('landfall-migrate', 0);\n"

    def locks(self, change: Change) -> Iterator[str]:
        return mysql_locks(change)

    def select_row_limit(self) -> str:
        return "SELECT @@GLOBAL.max_allowed_packet;"

    def set_row_limit(self, size: int) -> str:
        return f"SET GLOBAL max_allowed_packet = {size or _LARGEST_PACKET};"

    def select_contents(self, schema: str) -> str:
        pairs = ", ".join(f"'{key}', {value}" for key, value in self._columns(literal(schema)).items())
        return f"{self.before_contents}SELECT JSON_OBJECT({pairs});"

    def _columns(self, name: str) -> dict[str, str]:
        """Return the SQL of each field of the contents of a schema, whose name is given as an expression."""
        types = ", ".join(f"'{kind}'" for kind in self.table_types)
        base = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type IN ({types})"
        views = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'VIEW' AND table_comment"
        routines = f"FROM information_schema.routines WHERE routine_schema = {name} AND routine_type ="
        of_schema = f"FROM information_schema.schemata WHERE schema_name = {name}"
        return {
            "server": self.server_id,
            "version": "VERSION()",
            "charset": f"(SELECT default_character_set_name {of_schema})",
            "collation": f"(SELECT default_collation_name {of_schema})",
            "data_bytes": f"(SELECT SUM(data_length + index_length) {base})",
            "tables": f"(SELECT JSON_ARRAYAGG(table_name) {base})",
            "not_transactional": f"(SELECT JSON_ARRAYAGG(table_name) {base} AND engine <> 'InnoDB')",
            "views": f"(SELECT JSON_ARRAYAGG(table_name) {views} = 'VIEW')",
            # Where a table, column or definer of a view is missing, the server writes that into the view's comment.
            "broken_views": f"(SELECT JSON_ARRAYAGG(table_name) {views} <> 'VIEW')",
            "triggers": "(SELECT JSON_ARRAYAGG(trigger_name) FROM information_schema.triggers"
            f" WHERE trigger_schema = {name})",
            "functions": f"(SELECT JSON_ARRAYAGG(routine_name) {routines} 'FUNCTION')",
            "procedures": f"(SELECT JSON_ARRAYAGG(routine_name) {routines} 'PROCEDURE')",
            "events": f"(SELECT JSON_ARRAYAGG(event_name) FROM information_schema.events WHERE event_schema = {name})",
        }

    def count_rows(self, schema: str, tables: Iterable[str]) -> str:
        return "".join(f"SELECT COUNT(*) FROM {quoted(schema)}.{quoted(table)};\n" for table in tables)

    def select_applied_migrations(self, schema: str) -> str:
        found = "COALESCE(JSON_ARRAYAGG(JSON_ARRAY(app, name)), JSON_ARRAY())"
        return f"SELECT {found} FROM {quoted(schema)}.{self.migrations_table};"

    def rehearsal_schema(self, schema: str) -> str:
        ending = "_restoring"
        return schema[: 64 - len(ending)] + ending

    def add_password(self, user: str, old: str, new: str) -> str:
        account = self._account(user)
        # MySQL retains the password that was set last, so the old one is set first, whatever was retained before.
        return (
            f"ALTER USER {account} IDENTIFIED BY '{old}';"
            f" ALTER USER {account} IDENTIFIED BY '{new}' RETAIN CURRENT PASSWORD;"
        )

    def discard_old_password(self, user: str, password: str) -> str:
        account = self._account(user)
        # Setting it again makes it the current one, so that the other one is discarded.
        return f"ALTER USER {account} IDENTIFIED BY '{password}'; ALTER USER {account} DISCARD OLD PASSWORD;"

    def _account(self, user: str) -> str:
        return f"'{user}'@'{'localhost' if user == self.administrator else '%'}'"


def _no_views(schema: str, contents: SchemaContents) -> list[str]:
    # mysqldump reads every view that it does not ignore, and fails at a broken one.
    return [f"--ignore-table={schema}.{name}" for name in (*contents.definitions["views"], *contents.broken_views)]


def _unquoted(name: bytes) -> str:
    return name.replace(b"``", b"`").decode(errors="replace")


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(value: str) -> str:
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
