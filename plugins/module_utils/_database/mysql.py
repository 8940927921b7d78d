# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MySQL: command lines of its programs in the stack's container, its SQL, and the format of its dumps.

Pure functions; _database.server and _secrets.rotation run what they return. Private to this collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SERVICE = "db"
AFTER_FAILED_MIGRATION = "What it did up to there stays done, since MySQL cannot undo a change of a table."
MIGRATIONS = "django_migrations"
LARGEST_PACKET = 1 << 30
_DATA = "/var/lib/mysql"
# The password is read from a file inside the container: every user of the host could read it on a command line.
_AS_ROOT = 'MYSQL_PWD="$(cat /run/secrets/root_password)" exec "$@"'
# During a rotation the file and the server may differ: the password is then read from the first line of the input.
_LOGIN = "read -r MYSQL_PWD; export MYSQL_PWD; exec mysql"
_LOGINS = {
    True: f"{_LOGIN} --user=root --batch --skip-column-names",
    False: f'{_LOGIN} --protocol=tcp --host=127.0.0.1 --user="$MYSQL_USER" --batch',
}
# Printed by the client where the password is wrong.
ACCESS_DENIED = "Access denied"
_PACKET = "--max-allowed-packet=1G"
# No binary log: it would hold the whole restored database again. The time-out ends the wait for a table that an open
# transaction has locked.
_SESSION = "SET SESSION sql_log_bin=0, SESSION lock_wait_timeout=60"
# The lock that a loading client takes. The client goes on when its docker command is killed, and is found by its lock.
_MARK = "landfall-load"
# No --hex-blob: it doubles the size of a row, which may then exceed max_allowed_packet when it is loaded.
_DUMP = ("--no-tablespaces", "--set-gtid-purged=OFF", "--comments", "--default-character-set=utf8mb4", _PACKET)
_DEFINITIONS = ("--no-data", "--skip-lock-tables")
_END = b"-- Dump completed"
_NAME = rb"`((?:[^`]|``)+)`"
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + _NAME)
_INSERT = re.compile(rb"INSERT INTO " + _NAME)
_QUOTED = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'|`(?:[^`]|``)*`", re.DOTALL)


@dataclass(frozen=True)
class SchemaContents:
    """The objects in a schema, and its server. `charset` is empty where the schema does not exist."""

    server: str
    version: str
    charset: str
    collation: str
    data_bytes: int
    tables: tuple[str, ...] = ()
    not_transactional: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    broken_views: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    @property
    def definitions(self) -> dict[str, tuple[str, ...]]:
        """The names of objects without rows, by kind."""
        kinds = ("views", "triggers", "functions", "procedures", "events")
        return {kind: getattr(self, kind) for kind in kinds}


class DumpScanner:
    """Reads the tables' part of a dump line by line, and counts the rows of each table.

    `complete` is true when the last line was mysqldump's last one.
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.bytes = 0
        self.complete = False

    def feed(self, line: bytes) -> None:
        """Read the next line. A dump has no line break inside a row."""
        self.bytes += len(line)
        if line.strip():
            self.complete = line.startswith(_END)
        if made := _CREATE.match(line):
            self.rows.setdefault(_unquoted(made[1]), 0)
        elif filled := _INSERT.match(line):
            # Outside of strings and names, "),(" occurs only between two rows.
            name = _unquoted(filled[1])
            self.rows[name] = self.rows.get(name, 0) + _QUOTED.sub(b"", line).count(b"),(") + 1


def is_complete(text: bytes) -> bool:
    """Return whether the last line of a dump is mysqldump's last one."""
    return text.rstrip().rpartition(b"\n")[2].startswith(_END)


def _unquoted(name: bytes) -> str:
    return name.replace(b"``", b"`").decode(errors="replace")


# Command lines, to be appended to `docker compose`


def print_schema_name() -> list[str]:
    """A command that prints the name of the stack's own schema."""
    return ["exec", "-T", SERVICE, "printenv", "MYSQL_DATABASE"]


def print_free_space() -> list[str]:
    """A command whose output `parse_free_bytes` reads."""
    return ["exec", "-T", SERVICE, "df", "-Pk", _DATA]


def parse_free_bytes(output: str) -> int:
    """Return the free bytes on the file system of the database's files."""
    return int(output.splitlines()[-1].split()[-3]) * 1024


def client_command() -> list[str]:
    """A client that runs SQL from standard input up to the first error.

    In binary mode it interprets no client command but DELIMITER.
    """
    return _client(_SESSION)


def loader_command(schema: str) -> list[str]:
    """A client that loads a dump into a schema."""
    return [*_client(f"{_SESSION}; DO GET_LOCK('{_MARK}', 0)"), f"--database={schema}"]


def _client(first: str) -> list[str]:
    options = ["--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names", "--binary-mode"]
    return _as_root("mysql", *options, _PACKET, f"--init-command={first}")


def dump_tables(schema: str, objects: SchemaContents) -> list[str]:
    """A command that dumps all tables with their rows in one transaction."""
    return _mysqldump("--single-transaction", "--quick", "--skip-triggers", *_no_views(schema, objects), "--", schema)


def dump_definitions(schema: str, objects: SchemaContents) -> list[list[str]]:
    """Commands that dump all objects without rows.

    Routines come before the views that may use them; events, which run by themselves, come last.
    """
    alone = (*_DEFINITIONS, "--no-create-info", *_no_views(schema, objects))
    commands = []
    if objects.functions or objects.procedures:
        commands.append(_mysqldump(*alone, "--skip-triggers", "--routines", "--", schema))
    if objects.views:
        commands.append(_mysqldump(*_DEFINITIONS, "--skip-triggers", "--", schema, *objects.views))
    if objects.triggers:
        commands.append(_mysqldump(*alone, "--triggers", "--", schema))
    if objects.events:
        commands.append(_mysqldump(*alone, "--skip-triggers", "--events", "--", schema))
    return commands


def _no_views(schema: str, objects: SchemaContents) -> list[str]:
    # mysqldump reads every view that it does not ignore, and fails at a broken one.
    return [f"--ignore-table={schema}.{name}" for name in (*objects.views, *objects.broken_views)]


def _mysqldump(*arguments: str) -> list[str]:
    return _as_root("mysqldump", *_DUMP, *arguments)


def _as_root(program: str, *arguments: str) -> list[str]:
    return ["exec", "-T", SERVICE, "sh", "-c", _AS_ROOT, "sh", program, "--user=root", *arguments]


def program_name(command: Sequence[str]) -> str:
    """Return the name of the program that a command runs, for messages."""
    known = ("mysqldump", "mysql", "printenv", "df")
    return next((word for word in known if word in command), "the command")


# Passwords


def login_command(*, root: bool) -> list[str]:
    """A client that reads the password from the first line of its input, then SQL."""
    return ["exec", "-T", SERVICE, "sh", "-c", _LOGINS[root]]


def print_project_user() -> list[str]:
    """A command that prints the name of the project's user."""
    return ["exec", "-T", SERVICE, "printenv", "MYSQL_USER"]


def add_password(user: str | None, old: str, new: str) -> str:
    """Let a user log in with both passwords. Without a `user`, it is root."""
    account = _account(user)
    # MySQL retains the password that was set last, so the old one is set first, whatever was retained before.
    return (
        f"ALTER USER {account} IDENTIFIED BY '{old}';"
        f" ALTER USER {account} IDENTIFIED BY '{new}' RETAIN CURRENT PASSWORD;"
    )


def discard_old_password(user: str | None, password: str) -> str:
    """Let a user log in with this password only. Without a `user`, it is root."""
    account = _account(user)
    # Setting it again makes it the current one, so that the other one is discarded.
    return f"ALTER USER {account} IDENTIFIED BY '{password}'; ALTER USER {account} DISCARD OLD PASSWORD;"


def _account(user: str | None) -> str:
    return "'root'@'localhost'" if user is None else f"'{user}'@'%'"


# SQL


def select_contents(schema: str) -> str:
    """A query whose result `parse_contents` reads."""
    name = _text(schema)
    base = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'BASE TABLE'"
    views = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'VIEW' AND table_comment"
    routines = f"FROM information_schema.routines WHERE routine_schema = {name} AND routine_type ="
    columns = {
        "server": "@@server_uuid",
        "version": "VERSION()",
        "charset": f"(SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = {name})",
        "collation": f"(SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = {name})",
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
    pairs = ", ".join(f"'{key}', {value}" for key, value in columns.items())
    return f"SET SESSION information_schema_stats_expiry = 0; SELECT JSON_OBJECT({pairs});"


def parse_contents(output: str) -> SchemaContents:
    """Parse the result of `select_contents`."""
    values = json.loads(output)
    texts = ("server", "version", "charset", "collation")
    lists = {key: tuple(sorted(value or ())) for key, value in values.items() if key not in (*texts, "data_bytes")}
    server, version, charset, collation = (values[key] or "" for key in texts)
    return SchemaContents(server, version, charset, collation, int(values["data_bytes"] or 0), **lists)


def count_rows(schema: str, tables: Iterable[str]) -> str:
    """A query for the number of rows of each table, one per line."""
    return "".join(f"SELECT COUNT(*) FROM {_quoted(schema)}.{_quoted(table)};\n" for table in tables)


def select_applied_migrations(schema: str) -> str:
    """A query for the migrations that Django has applied to a schema, as a JSON list of pairs."""
    return f"SELECT COALESCE(JSON_ARRAYAGG(JSON_ARRAY(app, name)), JSON_ARRAY()) FROM {_quoted(schema)}.{MIGRATIONS};"


def select_loading_connection() -> str:
    """A query for the id of the connection that loads a dump, or NULL."""
    return f"SELECT IS_USED_LOCK('{_MARK}');"


def kill_connection(connection: int) -> str:
    return f"KILL {connection};"


def rehearsal_schema(schema: str) -> str:
    """Return the name of the schema into which a dump is loaded for a test."""
    ending = "_restoring"
    return schema[: 64 - len(ending)] + ending


def create_schema(schema: str, charset: str, collation: str) -> str:
    return f"CREATE DATABASE {_quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"


def alter_schema(schema: str, charset: str, collation: str) -> str:
    return f"ALTER DATABASE {_quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"


def drop_schema(schema: str) -> str:
    return f"DROP DATABASE IF EXISTS {_quoted(schema)};\n"


def select_max_packet() -> str:
    """A query for the largest row that the server accepts, in bytes."""
    return "SELECT @@GLOBAL.max_allowed_packet;"


def set_max_packet(size: int) -> str:
    """Set the largest row that the server accepts, in bytes, in connections opened after it."""
    return f"SET GLOBAL max_allowed_packet = {size};"


def drop_contents(schema: str, objects: SchemaContents) -> str:
    """Drop all objects in a schema; events first, so that none changes the others."""
    words = {
        "EVENT": objects.events,
        "TRIGGER": objects.triggers,
        "VIEW": (*objects.views, *objects.broken_views),
        "TABLE": objects.tables,
        "FUNCTION": objects.functions,
        "PROCEDURE": objects.procedures,
    }
    return "SET SESSION foreign_key_checks = 0;\n" + "".join(
        f"DROP {word} IF EXISTS {_quoted(schema)}.{_quoted(name)};\n" for word, names in words.items() for name in names
    )


def lock_tables(schema: str, tables: Iterable[str]) -> str:
    """Wait until no open transaction uses any of these tables."""
    locked = [f"{_quoted(schema)}.{_quoted(name)} WRITE" for name in tables]
    return f"LOCK TABLES {', '.join(locked)};\nUNLOCK TABLES;\n" if locked else ""


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
