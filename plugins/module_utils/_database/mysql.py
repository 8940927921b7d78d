# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MySQL: the command lines of its programs in the stack's container, its SQL, and the grammar of its dumps.

Nothing here runs anything. Private to this collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SERVICE = "db"
MIGRATIONS = "django_migrations"
LARGEST_PACKET = 1 << 30
_DATA = "/var/lib/mysql"
# The password comes from the file of the container: on a command line, every user of the host could read it.
_AS_ROOT = 'MYSQL_PWD="$(cat /run/secrets/root_password)" exec "$@"'
_PACKET = "--max-allowed-packet=1G"
# What a restore does stays out of the binary log, which would hold the whole database once more. Nobody waits for ever
# for a table that somebody's open transaction holds.
_SESSION = "SET SESSION sql_log_bin=0, SESSION lock_wait_timeout=60"
# By this a client is found that goes on in the container after its docker command was killed.
_MARK = "landfall-load"
# Binary columns as they are: in hexadecimal a row of 40 MB would be beyond max_allowed_packet when it is loaded.
_DUMP = ("--no-tablespaces", "--set-gtid-purged=OFF", "--comments", "--default-character-set=utf8mb4", _PACKET)
_DEFINITIONS = ("--no-data", "--skip-lock-tables")
_END = b"-- Dump completed"
_NAME = rb"`((?:[^`]|``)+)`"
_CREATE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + _NAME)
_INSERT = re.compile(rb"INSERT INTO " + _NAME)
_QUOTED = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'|`(?:[^`]|``)*`", re.DOTALL)


@dataclass(frozen=True)
class Objects:
    """What a schema holds. Where it is not there, `charset` is empty."""

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
        """What has no rows, by kind."""
        kinds = ("views", "triggers", "functions", "procedures", "events")
        return {kind: getattr(self, kind) for kind in kinds}


class Scan:
    """Follows the tables' part of a dump: which it makes, how many rows it inserts, and whether it came to its end."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.bytes = 0
        self.complete = False

    def line(self, line: bytes) -> None:
        """Take the next line. A dump has no line break inside a row."""
        self.bytes += len(line)
        if line.strip():
            self.complete = line.startswith(_END)
        if made := _CREATE.match(line):
            self.rows.setdefault(_unquoted(made[1]), 0)
        elif filled := _INSERT.match(line):
            # Without its strings and names, "),(" stands between two rows and nowhere else.
            name = _unquoted(filled[1])
            self.rows[name] = self.rows.get(name, 0) + _QUOTED.sub(b"", line).count(b"),(") + 1


def ends(text: bytes) -> bool:
    """Whether the last line of a dump says that it is complete."""
    return text.rstrip().rpartition(b"\n")[2].startswith(_END)


def _unquoted(name: bytes) -> str:
    return name.replace(b"``", b"`").decode(errors="replace")


# Command lines, to follow `docker compose`


def schema_name() -> list[str]:
    """Prints the name of the stack's own schema."""
    return ["exec", "-T", SERVICE, "printenv", "MYSQL_DATABASE"]


def free_space() -> list[str]:
    """Prints what `free_bytes` reads."""
    return ["exec", "-T", SERVICE, "df", "-Pk", _DATA]


def free_bytes(said: str) -> int:
    """The bytes that are free where the database keeps its files."""
    return int(said.splitlines()[-1].split()[-3]) * 1024


def client() -> list[str]:
    """Takes SQL from standard input and stops at the first error. In binary mode it obeys no command but DELIMITER."""
    return _client(_SESSION)


def loader(schema: str) -> list[str]:
    """As `client`, for a dump into a schema."""
    return [*_client(f"{_SESSION}; DO GET_LOCK('{_MARK}', 0)"), f"--database={schema}"]


def _client(first: str) -> list[str]:
    options = ["--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names", "--binary-mode"]
    return _as_root("mysql", *options, _PACKET, f"--init-command={first}")


def dump_tables(schema: str, objects: Objects) -> list[str]:
    """Tables and rows as of one moment."""
    return _mysqldump("--single-transaction", "--quick", "--skip-triggers", *_no_views(schema, objects), "--", schema)


def dump_definitions(schema: str, objects: Objects) -> list[list[str]]:
    """What has no rows: routines before the views that may use them, and events, which act by themselves, last."""
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


def _no_views(schema: str, objects: Objects) -> list[str]:
    # mysqldump looks into every view that it is not told to pass over, and gives up at a broken one.
    return [f"--ignore-table={schema}.{name}" for name in (*objects.views, *objects.broken_views)]


def _mysqldump(*arguments: str) -> list[str]:
    return _as_root("mysqldump", *_DUMP, *arguments)


def _as_root(program: str, *arguments: str) -> list[str]:
    return ["exec", "-T", SERVICE, "sh", "-c", _AS_ROOT, "sh", program, "--user=root", *arguments]


def program(command: Sequence[str]) -> str:
    """The name of the program that a command runs, for people."""
    known = ("mysqldump", "mysql", "printenv", "df")
    return next((word for word in known if word in command), "the command")


# SQL


def look(schema: str) -> str:
    """Asks for what `objects` reads."""
    name = _text(schema)
    base = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'BASE TABLE'"
    views = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'VIEW' AND table_comment"
    routines = f"FROM information_schema.routines WHERE routine_schema = {name} AND routine_type ="
    asked = {
        "server": "@@server_uuid",
        "version": "VERSION()",
        "charset": f"(SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = {name})",
        "collation": f"(SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = {name})",
        "data_bytes": f"(SELECT SUM(data_length + index_length) {base})",
        "tables": f"(SELECT JSON_ARRAYAGG(table_name) {base})",
        "not_transactional": f"(SELECT JSON_ARRAYAGG(table_name) {base} AND engine <> 'InnoDB')",
        "views": f"(SELECT JSON_ARRAYAGG(table_name) {views} = 'VIEW')",
        # The server says in a view's comment that something it selects from, or its definer, is gone.
        "broken_views": f"(SELECT JSON_ARRAYAGG(table_name) {views} <> 'VIEW')",
        "triggers": "(SELECT JSON_ARRAYAGG(trigger_name) FROM information_schema.triggers"
        f" WHERE trigger_schema = {name})",
        "functions": f"(SELECT JSON_ARRAYAGG(routine_name) {routines} 'FUNCTION')",
        "procedures": f"(SELECT JSON_ARRAYAGG(routine_name) {routines} 'PROCEDURE')",
        "events": f"(SELECT JSON_ARRAYAGG(event_name) FROM information_schema.events WHERE event_schema = {name})",
    }
    pairs = ", ".join(f"'{key}', {value}" for key, value in asked.items())
    return f"SET SESSION information_schema_stats_expiry = 0; SELECT JSON_OBJECT({pairs});"


def objects(said: str) -> Objects:
    """Read what `look` made the server say."""
    values = json.loads(said)
    texts = ("server", "version", "charset", "collation")
    lists = {key: tuple(sorted(value or ())) for key, value in values.items() if key not in (*texts, "data_bytes")}
    server, version, charset, collation = (values[key] or "" for key in texts)
    return Objects(server, version, charset, collation, int(values["data_bytes"] or 0), **lists)


def count(schema: str, tables: Iterable[str]) -> str:
    """Asks for the number of rows of each table, one a line."""
    return "".join(f"SELECT COUNT(*) FROM {_quoted(schema)}.{_quoted(table)};\n" for table in tables)


def applied(schema: str) -> str:
    """Asks for the migrations that Django has applied there, as a JSON list of pairs."""
    return f"SELECT COALESCE(JSON_ARRAYAGG(JSON_ARRAY(app, name)), JSON_ARRAY()) FROM {_quoted(schema)}.{MIGRATIONS};"


def loading() -> str:
    """Asks for the connection that loads a dump, or NULL."""
    return f"SELECT IS_USED_LOCK('{_MARK}');"


def kill(connection: int) -> str:
    return f"KILL {connection};"


def beside(schema: str) -> str:
    """The name of the schema in which a dump of another is tried."""
    ending = "_restoring"
    return schema[: 64 - len(ending)] + ending


def create(schema: str, charset: str, collation: str) -> str:
    return f"CREATE DATABASE {_quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"


def alter(schema: str, charset: str, collation: str) -> str:
    return f"ALTER DATABASE {_quoted(schema)} CHARACTER SET {charset} COLLATE {collation};\n"


def drop(schema: str) -> str:
    return f"DROP DATABASE IF EXISTS {_quoted(schema)};\n"


def get_packet() -> str:
    """Asks for the largest row that the server takes."""
    return "SELECT @@GLOBAL.max_allowed_packet;"


def set_packet(size: int) -> str:
    """For connections made after it: a row may be as large as the server that dumped it allowed."""
    return f"SET GLOBAL max_allowed_packet = {size};"


def clear(schema: str, objects: Objects) -> str:
    """Drop all that a schema holds; events first, so that none acts on the rest."""
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


def lock(schema: str, tables: Iterable[str]) -> str:
    """Waits until nobody has a transaction open that uses any of these tables."""
    locked = [f"{_quoted(schema)}.{_quoted(name)} WRITE" for name in tables]
    return f"LOCK TABLES {', '.join(locked)};\nUNLOCK TABLES;\n" if locked else ""


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
