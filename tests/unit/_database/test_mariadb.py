# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._database.mariadb import MariaDB

mariadb = MariaDB()
# As mariadb-dump writes it: each row on a line of its own, the first one beside the names of columns if it gives them.
DUMP = rb"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.20-11.8.9-MariaDB, for debian-linux-gnu (x86_64)
CREATE SEQUENCE `number` start with 5 minvalue 1 maxvalue 9223372036854775806 increment by 1 cache 1000 ENGINE=InnoDB;
DO SETVAL(`number`, 1005, 0);
CREATE TABLE `note` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `text` longtext DEFAULT NULL
) ENGINE=InnoDB;
INSERT INTO `note` VALUES
(1,'a\n(x),\n(y);\r\n'),
(2,NULL),
(3,'it\'s);'),
(4,'\\'),
(5,');');
INSERT INTO `note` VALUES
(6,'-- Dump completed'),
(7,'INSERT INTO `trap` VALUES\n(1);');
CREATE TABLE `We``ird ),( name` (
  `a),(b` int(11) DEFAULT NULL
) ENGINE=InnoDB;
INSERT INTO `We``ird ),( name` (`a),(b`) VALUES (1),
(2);
CREATE TABLE `price` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB WITH SYSTEM VERSIONING;
INSERT INTO `price` (`id`, row_start, row_end) VALUES (1,'2026-11-27 21:17:29.577521','2106-02-07 06:28:15.999999');
CREATE TABLE `empty` (
  `id` int(11) DEFAULT NULL
) ENGINE=InnoDB;

-- Dump completed on 2026-11-27 21:17:30
"""


def having(tables=(), /, **definitions):
    nothing = dict.fromkeys(mariadb.definition_kinds, ())
    collation = "utf8mb4_uca1400_ai_ci"
    return SchemaContents("one", "11.8.9", "utf8mb4", collation, 0, tables, definitions={**nothing, **definitions})


def test_each_line_of_an_insert_with_values_is_a_row():
    scanner = mariadb.scanner()
    for line in DUMP.splitlines(keepends=True):
        assert not scanner.complete
        scanner.feed(line)
    assert scanner.rows == {"note": 7, "We`ird ),( name": 2, "price": 1, "empty": 0}
    assert scanner.complete
    assert scanner.bytes == len(DUMP)


def test_lists_of_names_are_no_strings():
    sql = mariadb.select_contents("shop")
    assert sql.count("JSON_ARRAYAGG") == sql.count("JSON_QUERY((SELECT JSON_ARRAYAGG") > 0
    assert "group_concat_max_len" in " ".join(mariadb.client_command("shop"))


def test_what_the_server_says_of_a_schema():
    lists = dict.fromkeys((*mariadb.definition_kinds, "not_transactional", "broken_views"))
    texts = {"server": "one", "version": "11.8.9-MariaDB", "charset": "utf8mb4", "collation": "utf8mb4_uca1400_ai_ci"}
    tables = {"data_bytes": 1, "tables": ["b", "a"], "sequences": ["s"]}
    found = mariadb.parse_contents(json.dumps({**texts, **lists, **tables}))
    assert found.tables == ("a", "b")
    assert (found.definitions["sequences"], found.definitions["packages"]) == (("s",), ())


@pytest.mark.parametrize("sql", [mariadb.select_server(), mariadb.select_contents("shop")])
def test_a_server_without_an_id_names_the_script_that_makes_one(sql):
    check, _newline, query = sql.partition("\n")
    assert "landfall_server" in check
    assert "init.sh" in check
    assert len(re.findall(r"MESSAGE_TEXT = ''(.*)'''", check)[0]) <= 128
    assert "FROM landfall_server.server" in query
    assert "\n" not in mariadb.identity()  # Django runs one statement


def test_the_script_of_the_first_start_keeps_an_id_that_there_is():
    statements = mariadb.init_script.split(";\n")
    assert all(re.search("NOT EXISTS|^GRANT SELECT", statement) for statement in statements[:-1])


def test_sequences_are_dropped_after_the_tables_that_use_them():
    found = having(("t",), sequences=("s",), packages=("p",))
    sql = mariadb.empty_schema("shop", found, "utf8mb4", "utf8mb4_bin")
    dropped = re.findall(r"DROP (\w+) IF EXISTS `shop`\.`(\w+)`", sql)
    assert dropped == [("TABLE", "t"), ("PACKAGE", "p"), ("SEQUENCE", "s")]


@pytest.mark.parametrize("kind", ["functions", "procedures", "packages"])
def test_a_schema_with_any_kind_of_routine_has_its_routines_dumped(kind):
    (command,) = mariadb.dump_definitions("shop", having(**{kind: ("one",)}))
    assert "--routines" in command


def test_sequences_are_in_the_dump_of_the_tables():
    found = having(sequences=("s",))
    assert mariadb.dump_definitions("shop", found) == []
    # A table whose column takes its default from one could not be filled.
    assert "--skip-add-locks" in mariadb.dump_tables("shop", found)


def test_former_rows_are_dumped_and_counted():
    assert "--dump-history" in mariadb.dump_tables("shop", having())
    assert "'SYSTEM VERSIONED'" in mariadb.select_contents("shop")
    assert mariadb.count_rows("shop", ["price"]).count("FOR SYSTEM_TIME ALL") == 1


@pytest.mark.parametrize("name", ["shop", "it's", "a`b", "a\\b", "größe", "; DROP TABLE x"])
def test_a_name_stays_a_name(name):
    sql = mariadb.count_rows(name, [name])
    assert set(re.findall(r"CONVERT\(0x([0-9a-f]+) USING utf8mb4\)", sql)) >= {name.encode().hex()}
    assert name == "shop" or name not in sql


def test_a_statement_that_fails_is_not_printed_with_its_password():
    for command in (mariadb.login_command(administrator=True), mariadb.client_command("shop")):
        assert "--skip-print-query-on-error" in command[command.index("mariadb") :]


def test_mariadb_takes_two_passwords_until_the_old_one_is_discarded():
    both = mariadb.add_password("shop", "old-one", "new-one")
    assert re.findall(r"PASSWORD\('([\w-]+)'\)", both) == ["new-one", "old-one"]
    assert both.startswith("ALTER USER 'shop'@'%' IDENTIFIED VIA ")
    one = mariadb.discard_old_password("root", "new-one")
    assert re.findall(r"PASSWORD\('([\w-]+)'\)", one) == ["new-one"]
    assert one.startswith("ALTER USER 'root'@'localhost' IDENTIFIED VIA ")


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)", "10.11"),
        ("mariadb-dump from 11.8.9-MariaDB, client 10.20 for debian-linux-gnu (x86_64)", "11.8"),
        ("10.11.6-MariaDB-log", "10.11"),
        ("11.8.9", "11.8"),
    ],
)
def test_the_series_is_that_of_the_server_and_not_of_the_program(text, series):
    assert mariadb.series(text) == series
