# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL.

The project's database and everything in it belong to a role that cannot log in. Two login roles are its members and
take turns at rotations; whatever either creates belongs to that owner. Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from ansible_collections.landfall.django.plugins.module_utils._database.engine import (
    PASSWORD,
    ROOT_PASSWORD,
    USER,
    VERIFY,
    DumpScanner,
    Engine,
    Packages,
    SchemaContents,
)
from ansible_collections.landfall.django.plugins.module_utils._database.locks import Change, postgresql_locks
from ansible_collections.landfall.django.plugins.module_utils._database.rewriter import PostgreSQLRewriter
from ansible_collections.landfall.django.plugins.module_utils._database.versions import Versions

# The password is read from a file inside the container: every user of the host could read it on a command line.
_AS_ADMINISTRATOR = f'PGPASSWORD="$(cat {ROOT_PASSWORD})" exec "$@"'
_WITH_OWNER = f'{_AS_ADMINISTRATOR} --set=owner="$DATABASE_OWNER"'
# Everything that the project's user creates belongs to the owner.
_AS_PROJECT = f'PGPASSWORD="$(cat {PASSWORD})" exec "$@" --username="$(cat {USER})"'
# With weaker modes than this one, libpq refuses the authorities of the system.
_EXTERNAL = (
    f'[ "$DATABASE_TLS" != {VERIFY} ] || export PGSSLROOTCERT="${{DATABASE_CA:-system}}";'
    ' PGHOST="$DATABASE_HOST" PGPORT="$DATABASE_PORT" PGUSER="$DATABASE_USER" PGSSLMODE="$DATABASE_TLS"'
    f' PGCONNECT_TIMEOUT=10 PGPASSWORD="$(cat {PASSWORD})" exec "$@"'
)
# During a rotation the file and the server may differ: the password is then read from the first line of the input.
_LOGIN = 'read -r PGPASSWORD; export PGPASSWORD; exec "$@" --set=owner="$DATABASE_OWNER"'
_MAINTENANCE = "postgres"  # the database that every server has
# Without psqlrc; prints values only, up to the first error.
_CLIENT = ("psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
# The name of a loading client. It goes on when its docker command is killed, and is found by this name.
_MARK = "landfall-load"
_END = b"-- PostgreSQL database dump complete"
_UNRESTRICT = b"\\unrestrict "  # ends the client's restricted mode, after the end of the dump
_IDENTIFIER = rb'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_NAME = rb"(" + _IDENTIFIER + rb"\." + _IDENTIFIER + rb")"
_CREATE = re.compile(rb"CREATE (?:UNLOGGED )?TABLE " + _NAME + rb" \(")
_COPY = re.compile(rb"COPY " + _NAME + rb" .*FROM stdin;$")
_LONGEST_NAME = 63  # bytes
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
# What belongs to the server or to an extension is not dumped.
_OWN = (
    "NOT (n.nspname ~ '^pg_' OR n.nspname = 'information_schema')"
    " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {0}.oid AND d.deptype = 'e')"
)
_RELATIONS = {
    "tables": "r",
    "partitioned_tables": "p",
    "views": "v",
    "materialized_views": "m",
    "sequences": "S",
    "indexes": "iI",
}
_DEFINITIONS = {
    "extensions": "SELECT extname FROM pg_extension",
    "functions": "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE "
    + _OWN.format("p"),
    "triggers": "SELECT format('%I on %s', t.tgname, c.oid::regclass) FROM pg_trigger t JOIN pg_class c ON"
    " c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND " + _OWN.format("c"),
    # NOT NULL is a constraint with a name only since version 18.
    "constraints": "SELECT format('%I on %s', o.conname, c.oid::regclass) FROM pg_constraint o JOIN pg_class c ON"
    " c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.contype IN ('c', 'f', 'p', 'u', 'x')"
    " AND " + _OWN.format("c"),
    "types": "SELECT t.oid::regtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
    " WHERE t.typtype IN ('d', 'e', 'r') AND " + _OWN.format("t"),
}


class PostgreSQLScanner(DumpScanner):
    """Reads the output of pg_dump, in which each row is a line between COPY and a final `\\.`."""

    def __init__(self) -> None:
        super().__init__()
        self._copied = ""
        self._created = ""

    @property
    def in_rows(self) -> bool:
        return bool(self._copied)

    def feed(self, line: bytes) -> None:
        self.bytes += len(line)
        text = line.rstrip(b"\r\n")
        if self._copied:
            if text == b"\\.":
                self._copied = ""
            else:
                self.rows[self._copied] += 1
        elif text.startswith(_END):
            self.complete = True
        elif text and text != b"--" and not text.startswith(_UNRESTRICT):
            self.complete = False
            self._read_statement(text)

    def _read_statement(self, text: bytes) -> None:
        if made := _CREATE.match(text):
            self._created = made[1].decode()
            self.rows[self._created] = 0
        elif copied := _COPY.match(text):
            self._copied = copied[1].decode()
            self.rows.setdefault(self._copied, 0)
        elif text.startswith(b"PARTITION BY "):
            # Its rows are those of its partitions.
            self.rows.pop(self._created, None)


class PostgreSQL(Engine):
    """PostgreSQL 17 and 18."""

    name = "postgresql"
    title = "PostgreSQL"
    vendor = django_vendor = "postgresql"
    image = "postgres:18"
    scheme = "postgresql"
    port = 5432
    administrator = "postgres"
    least_memory_mib = 256
    reserved_prefixes = ("pg_",)
    drivers = ("psycopg2", "psycopg", "psycopg2-binary")
    words_in_settings = r"postg|psql|psycopg|timescale"
    packages = Packages(build=("libpq-dev",), run=("libpq5",))
    client = "psql"
    dump_program = "pg_dump"
    after_failed_migration = (
        "PostgreSQL has undone the migration that failed, unless it is one with atomic = False; those before it stay"
        " applied."
    )
    list_connections = "SELECT * FROM pg_stat_activity"
    refusals = ("password authentication failed", "is not permitted to log in")
    definition_kinds = (*(kind for kind in _RELATIONS if kind != "tables"), *_DEFINITIONS)
    versions = Versions(title, "postgres", ("PG_VERSION",), folder="cluster", series_length=1)
    migrations_table = "public.django_migrations"
    has_dual_passwords = False
    recreates_schemas = True
    series_pattern = r"\d+"
    dump_titles = (b"-- PostgreSQL database dump", b"-- PostgreSQL database cluster dump")
    archive_magic = b"PGDMP"
    # It can be run again.
    init_script = f"""\
PGPASSWORD="$(cat {ROOT_PASSWORD})" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname={_MAINTENANCE} \\
  --username="$POSTGRES_USER" --set=owner="$DATABASE_OWNER" --set=schema="$DATABASE_NAME" <<'SQL'
\\set login `cat {USER}`
\\set password `cat {PASSWORD}`
SELECT format('CREATE ROLE %I', n) FROM unnest(ARRAY[:'owner', :'login']) n
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = n) \\gexec
GRANT :"owner" TO :"login";
ALTER ROLE :"login" LOGIN PASSWORD :'password';
ALTER ROLE :"login" SET role = :'owner';
SELECT format('CREATE DATABASE %I OWNER %I', :'schema', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'schema') \\gexec
REVOKE ALL ON DATABASE :"schema" FROM PUBLIC;
SQL
"""

    def url_options(self, tls: str, ca_file: str) -> str:
        # libpq looks for the certificates of the system only where it is told to.
        root = {VERIFY: f"&sslrootcert={quote(ca_file or 'system')}"}.get(tls, "")
        return f"?sslmode={tls}{root}"

    def buffer_mib(self, memory_mib: int) -> int:
        # It relies on the system's cache, too, which counts as the container's memory.
        return memory_mib // 5 // 32 * 32

    def free_space_command(self) -> list[str]:
        return ["df", "-Pk", "/var/lib/postgresql"]

    def client_command(self, schema: str = "") -> list[str]:
        return ["sh", "-c", _EXTERNAL if self.external else _WITH_OWNER, "sh", *self._client(schema)]

    def loader_command(self, schema: str) -> list[str]:
        return self._loader(_AS_ADMINISTRATOR, self._client(schema))

    def importer_command(self, schema: str) -> list[str]:
        return self._loader(_AS_PROJECT, [*_CLIENT, "--host=127.0.0.1", f"--dbname={_conninfo(schema)}"])

    @staticmethod
    def _loader(script: str, client: list[str]) -> list[str]:
        options = ("--single-transaction", "--output=/dev/null")
        return ["env", f"PGAPPNAME={_MARK}", "sh", "-c", script, "sh", *client, *options]

    def unpacker_command(self) -> list[str]:
        return ["pg_restore", "--no-owner", "--no-privileges", "--no-tablespaces", "--file=-"]

    def login_command(self, *, administrator: bool, user: str = "") -> list[str]:
        login = self._client("") if administrator else [*_CLIENT, "--host=127.0.0.1", f"--username={user}"]
        # The project's user may connect to its own schema only.
        script = _LOGIN if administrator else f'{_LOGIN} --dbname="$DATABASE_NAME"'
        return ["sh", "-c", script, "sh", *login]

    def _client(self, schema: str) -> list[str]:
        return [*_CLIENT, *self._user(), f"--dbname={_conninfo(schema or _MAINTENANCE)}"]

    def _user(self) -> list[str]:
        return [] if self.external else [f"--username={self.administrator}"]

    def dump_tables(self, schema: str, contents: SchemaContents) -> list[str]:
        dump = [self.dump_program, "--format=plain", "--encoding=UTF8", *self._user(), f"--dbname={_conninfo(schema)}"]
        return ["sh", "-c", _EXTERNAL if self.external else _AS_ADMINISTRATOR, "sh", *dump]

    def client_version_command(self) -> list[str]:
        return [self.dump_program, "--version"]

    def scanner(self) -> DumpScanner:
        return PostgreSQLScanner()

    def is_complete(self, text: bytes) -> bool:
        scanner = PostgreSQLScanner()
        for line in text.splitlines():
            scanner.feed(line)
        return scanner.complete

    def rewriter(self, user: str = "", collation: str = "") -> PostgreSQLRewriter:
        return PostgreSQLRewriter(self.scanner())

    def select_server(self) -> str:
        return "SELECT system_identifier FROM pg_control_system();"

    def select_other_schemas(self, schema: str) -> str:
        own = f"{_text(schema)}, {_text(_MAINTENANCE)}"
        return f"SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ({own});"

    def identity(self) -> str:
        return "SELECT system_identifier::text, current_database() FROM pg_control_system()"

    def create_schema(self, schema: str, charset: str, collation: str) -> str:
        provider, collate, ctype, locale = collation.split(" ")
        name = _PROVIDERS[provider]
        own = f" {name.upper()}_LOCALE {_text(locale)}" if locale else ""
        return (
            f'CREATE DATABASE {_quoted(schema)} OWNER :"owner" TEMPLATE template0 ENCODING {_text(charset)}'
            f" LOCALE_PROVIDER {name} LC_COLLATE {_text(collate)} LC_CTYPE {_text(ctype)}{own};\n"
            f"REVOKE ALL ON DATABASE {_quoted(schema)} FROM PUBLIC;\n"
        )

    def drop_schema(self, schema: str) -> str:
        return f"DROP DATABASE IF EXISTS {_quoted(schema)} WITH (FORCE);\n"

    def empty_schema(self, schema: str, contents: SchemaContents, charset: str, collation: str) -> str:
        return self.drop_schema(schema) + self.create_schema(schema, charset, collation)

    def refuse_connections(self, schema: str, contents: SchemaContents) -> str:
        users = f"SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = {_text(schema)}"
        return (
            f"DO $$ BEGIN IF EXISTS ({users} AND pid <> pg_backend_pid()) THEN"
            f" RAISE EXCEPTION 'other connections use the database'; END IF; END $$;\n"
        )

    def select_loads(self) -> str:
        return f"SELECT pid FROM pg_stat_activity WHERE application_name = '{_MARK}';"

    def kill_connection(self, connection: int) -> str:
        return f"SELECT pg_terminate_backend({connection}, 10000);"

    def take_migration_lock(self) -> str:
        return "SELECT pg_try_advisory_lock(hashtext('landfall-migrate'))::int;\n"

    def locks(self, change: Change) -> Iterator[str]:
        return postgresql_locks(change)

    def select_contents(self, schema: str) -> str:
        relations = (
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE c.relpersistence <> 't' AND {_OWN.format('c')} AND c.relkind IN"
        )
        queries = {kind: f"{relations} ({', '.join(map(_text, kinds))})" for kind, kinds in _RELATIONS.items()}
        queries.update(_DEFINITIONS)
        lists = {kind: f"(SELECT json_agg(name) FROM ({query}) AS found(name))" for kind, query in queries.items()}
        columns = {
            "server": "(SELECT system_identifier::text FROM pg_control_system())",
            "version": "current_setting('server_version')",
            "charset": "pg_encoding_to_char(encoding)",
            "collation": "format('%s %s %s %s', datlocprovider, datcollate, datctype, datlocale)",
            "data_bytes": "pg_database_size(oid)",
            "not_transactional": "NULL",
            "broken_views": "NULL",
            **lists,
        }
        pairs = ", ".join(f"'{key}', {value}" for key, value in columns.items())
        # Every name then has its schema.
        return (
            "SET search_path = '';\n"
            f"SELECT json_build_object({pairs})::text FROM pg_database WHERE datname = current_database();\n"
        )

    def count_rows(self, schema: str, tables: Iterable[str]) -> str:
        # They are quoted already. Without the rows of tables that inherit from them.
        return "".join(f"SELECT count(*) FROM ONLY {table};\n" for table in tables)

    def select_applied_migrations(self, schema: str) -> str:
        found = "COALESCE(json_agg(json_build_array(app, name)), '[]')::text"
        return f"SELECT {found} FROM {self.migrations_table};"

    def rehearsal_schema(self, schema: str) -> str:
        ending = "_restoring"
        return schema[: _LONGEST_NAME - len(ending)] + ending

    def create_extension(self, name: str) -> str:
        return f"SET client_min_messages = warning;\nCREATE EXTENSION IF NOT EXISTS {_quoted(name)} CASCADE;\n"

    def select_outdated_collation(self) -> str:
        return (
            "SELECT datcollversion, pg_database_collation_actual_version(oid) FROM pg_database WHERE"
            " datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid);"
        )

    def outdated_collation(self, schema: str, row: str) -> str:
        made, present = row.strip().split("|")
        return (
            f"the indexes of the database {schema} were made with version {made} of its collation, and the image has"
            f" version {present}, which may sort differently. Run as {self.administrator}: REINDEX DATABASE"
            f" {_quoted(schema)}; ALTER DATABASE {_quoted(schema)} REFRESH COLLATION VERSION;"
        )

    def add_password(self, user: str, old: str, new: str) -> str:
        name = _quoted(user)
        change = f"ALTER ROLE {name} LOGIN PASSWORD {_text(new)};\n"
        if user == self.administrator:
            return change
        missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_text(user)})"
        return (
            f"SELECT format('CREATE ROLE %I', {_text(user)}) WHERE {missing} \\gexec\n"
            f"GRANT :\"owner\" TO {name};\nALTER ROLE {name} SET role = :'owner';\n{change}"
        )

    def discard_old_password(self, user: str, password: str) -> str:
        return f"ALTER ROLE {_quoted(user)} LOGIN PASSWORD {_text(password)};\n"

    def disable_login(self, user: str) -> str:
        return (
            f"ALTER ROLE {_quoted(user)} NOLOGIN PASSWORD NULL;\n"
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {_text(user)};\n"
        )


def _conninfo(schema: str) -> str:
    # A name with = in it would be read as connection settings.
    escaped = schema.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
