# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MariaDB, where it differs from MySQL. Private to this collection."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from ansible_collections.landfall.django.plugins.module_utils._database.engine import (
    DISABLE,
    REQUIRE,
    ROOT_PASSWORD,
    SERVICE,
    VERIFY,
    Packages,
)
from ansible_collections.landfall.django.plugins.module_utils._database.mysql import SKIP_TLS, MySQL, literal, quoted
from ansible_collections.landfall.django.plugins.module_utils._database.versions import Versions

# MariaDB has no id of the server. One is made at the first start, and everybody may read it.
_SCHEMA = "landfall_server"
_TABLE = f"{_SCHEMA}.server"
# The client prints this instead of "Table does not exist". At most 128 characters.
_MISSING = f"the table {_TABLE} is missing: run sh /docker-entrypoint-initdb.d/init.sh in the container {SERVICE}"
_REQUIRE_ID = (
    f"SET @found = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{_SCHEMA}');"
    f" EXECUTE IMMEDIATE IF(@found, 'DO 0', 'SIGNAL SQLSTATE ''45000'' SET MESSAGE_TEXT = ''{_MISSING}''');\n"
)
# Tells running servers apart, also those without that table.
_RUNNING = "CONCAT_WS(':', @@hostname, @@port, @@version)"
_PLUGIN = "mysql_native_password"  # how the image lets all users log in


class MariaDB(MySQL):
    """MariaDB 11.4 and 11.8."""

    name = "mariadb"
    title = "MariaDB"
    vendor = "mariadb"
    image = "mariadb:11.8"
    versions = Versions(title, "mariadbd", ("mariadb_upgrade_info", "mysql_upgrade_info"), oldest=(10, 11))
    # "Ver 10.19 Distrib 10.11.6-MariaDB": the first version is the program's own.
    series_pattern = r"\d+\.\d+(?=\.\d+-MariaDB)|^\d+\.\d+"
    system_schemas = (*MySQL.system_schemas, _SCHEMA)
    words_in_settings = ""  # Django calls both by the same name
    least_memory_mib = 320
    packages = Packages(build=("libmariadb-dev",), run=("libmariadb3",))
    dump_program = "mariadb-dump"
    after_failed_migration = "What it did up to there stays done, since MariaDB cannot undo a change of a table."
    collations = "utf8mb4_uca1400"
    definition_kinds = (*MySQL.definition_kinds, "packages", "sequences")
    # It can be run again.
    init_script = f"""\
MYSQL_PWD="$(cat {ROOT_PASSWORD})" mariadb --protocol=socket --user={MySQL.administrator} <<'SQL'
CREATE DATABASE IF NOT EXISTS {_SCHEMA};
CREATE TABLE IF NOT EXISTS {_TABLE} (id CHAR(36) CHARACTER SET ascii NOT NULL);
INSERT INTO {_TABLE} SELECT UUID() FROM DUAL WHERE NOT EXISTS (SELECT * FROM {_TABLE});
GRANT SELECT ON {_TABLE} TO PUBLIC;
SQL
"""

    client = "mariadb"
    # Inside the container without TLS and its warnings. It does not print a statement that failed, which may hold a
    # password.
    client_options = (SKIP_TLS, "--skip-print-query-on-error")
    # Of tables with system versioning the former rows too. No LOCK TABLES in the dump: it would lock out the sequences
    # that a column's default value uses.
    dump_options = (SKIP_TLS, "--no-tablespaces", "--comments", "--dump-history", "--skip-add-locks")
    client_tls = (
        '$(case "$DATABASE_TLS" in'
        f" {VERIFY}) echo --ssl-verify-server-cert --ssl-ca=${{DATABASE_CA:-/etc/ssl/certs/ca-certificates.crt}} ;;"
        f" {REQUIRE}) echo --ssl --disable-ssl-verify-server-cert ;; {DISABLE}) echo {SKIP_TLS} ;; esac)"
    )
    server_id = f"(SELECT id FROM {_TABLE})"
    # Lists of names are cut at the length given last.
    session = f"{MySQL.session}, SESSION group_concat_max_len=1073741824"
    before_contents = _REQUIRE_ID
    table_types = ("BASE TABLE", "SYSTEM VERSIONED")
    # A package goes with its body. Sequences go after the tables whose columns use them.
    drops = MappingProxyType({**MySQL.drops, "packages": "PACKAGE", "sequences": "SEQUENCE"})
    routines = (*MySQL.routines, "packages")

    def __init__(self, external: bool = False):
        super().__init__(external)
        if external:
            self.server_id, self.before_contents = _RUNNING, ""

    def select_server(self) -> str:
        return self.before_contents + super().select_server()

    def identity(self) -> str:
        return f"SELECT {_RUNNING}, DATABASE()"

    def _columns(self, name: str) -> dict[str, str]:
        columns = super()._columns(name)
        of_tables = f"FROM information_schema.tables WHERE table_schema = {name} AND table_type ="
        # Only where more than the name of a view is read, the server opens it, and writes into the comment what is
        # missing.
        opened = "IF(table_rows IS NULL, table_comment, '')"
        columns.update(
            {
                "views": f"(SELECT JSON_ARRAYAGG(table_name) {of_tables} 'VIEW' AND {opened} = 'VIEW')",
                "broken_views": f"(SELECT JSON_ARRAYAGG(table_name) {of_tables} 'VIEW' AND {opened} <> 'VIEW')",
                "packages": "(SELECT JSON_ARRAYAGG(routine_name) FROM information_schema.routines"
                f" WHERE routine_schema = {name} AND routine_type = 'PACKAGE')",
                "sequences": f"(SELECT JSON_ARRAYAGG(table_name) {of_tables} 'SEQUENCE')",
            }
        )
        # The result of a subquery is a string, which JSON_OBJECT would quote.
        return {
            key: f"JSON_QUERY({value}, '$')" if "JSON_ARRAYAGG" in value else value for key, value in columns.items()
        }

    def count_rows(self, schema: str, tables: Iterable[str]) -> str:
        """Of tables with system versioning it counts the former rows too: they are in the dump."""
        return "".join(_count_rows(schema, table) for table in tables)

    def add_password(self, user: str, old: str, new: str) -> str:
        """A login may have several ways to authenticate, here twice the same one."""
        ways = " OR ".join(f"{_PLUGIN} USING PASSWORD('{password}')" for password in (new, old))
        return f"ALTER USER {self._account(user)} IDENTIFIED VIA {ways};"

    def discard_old_password(self, user: str, password: str) -> str:
        return f"ALTER USER {self._account(user)} IDENTIFIED VIA {_PLUGIN} USING PASSWORD('{password}');"


def _count_rows(schema: str, table: str) -> str:
    counted = f"SELECT COUNT(*) FROM {quoted(schema)}.{quoted(table)}"
    return (
        "SET @history = (SELECT IF(table_type = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL', '')"
        f" FROM information_schema.tables WHERE table_schema = {literal(schema)} AND table_name = {literal(table)});\n"
        f"EXECUTE IMMEDIATE CONCAT({literal(counted)}, @history);\n"
    )
