# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
import json
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.mysql import MySQL

from tests.unit._database.conftest import LOOK

mysql = MySQL()
OBJECTS = mysql.parse_contents(json.dumps(LOOK))


def having(contents=OBJECTS, /, **definitions):
    """The same, with other definitions; fields of the contents themselves go before."""
    nothing = dict.fromkeys(mysql.definition_kinds, ())
    return dataclasses.replace(contents, definitions={**nothing, **definitions})


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        (b"INSERT INTO `t` VALUES (1);\n", 1),
        (b"INSERT INTO `t` VALUES (1),(2),(NULL);\n", 3),
        (b"INSERT INTO `t` VALUES ('a),(b'),('');\n", 2),
        (b"INSERT INTO `t` VALUES ('it\\'s ),('),('\\\\'),(0x00);\n", 3),
        (b"INSERT INTO `t` VALUES (_binary '\xff\xfe),(\\0'),(-1.5e+300);\n", 2),
        (b"INSERT INTO `t` (`a),(b`, `c``),(`) VALUES (1,2),(3,'`'),('`',4);\n", 3),
        (b"-- INSERT INTO `t` VALUES (1);\n", None),
        (b"  INSERT INTO `t` VALUES (1);\n", None),
    ],
)
def test_rows_of_an_insert(line, rows):
    scan = mysql.scanner()
    scan.feed(line)
    assert scan.rows.get("t") == rows


def test_only_the_last_line_says_that_a_dump_is_complete():
    scan = mysql.scanner()
    scan.feed(b"-- Dump completed on 2026-11-27 13:19:14\n")
    assert scan.complete
    scan.feed(b"\n")
    assert scan.complete
    scan.feed(b"CREATE TABLE `t` (\n")
    assert not scan.complete
    assert mysql.is_complete(b"CREATE VIEW\n-- Dump completed on 2026\n\n")
    assert not mysql.is_complete(b"-- Dump completed on 2026\nCREATE")


def test_what_the_server_says_of_a_schema():
    assert OBJECTS.tables == ("We`ird ),( name", "empty", "note")
    assert OBJECTS.definitions["views"] == ("v",)
    nothing = mysql.parse_contents(json.dumps(dict.fromkeys(LOOK)))
    assert (nothing.charset, nothing.tables, nothing.data_bytes) == ("", (), 0)


@pytest.mark.parametrize("name", ["shop", "it's", "a`b", "a\\b", "größe", "; DROP TABLE x"])
def test_a_name_stays_a_name(name):
    quoted = "`" + name.replace("`", "``") + "`"
    for sql in (
        mysql.count_rows(name, [name]),
        mysql.create_schema(name, "utf8mb4", "utf8mb4_bin"),
        mysql.drop_schema(name),
        mysql.refuse_connections(name, dataclasses.replace(having(), tables=(name,))),
        mysql.empty_schema(name, dataclasses.replace(having(), tables=()), "utf8mb4", "utf8mb4_bin"),
    ):
        assert quoted in sql
        assert not re.search(r"[`'\\;]", sql.replace(quoted, "").replace(";\n", ""))
    assert set(re.findall(r"CONVERT\(0x([0-9a-f]+) USING utf8mb4\)", mysql.select_contents(name))) == {
        name.encode().hex()
    }


def test_events_go_first_and_broken_views_go_too():
    left = dataclasses.replace(OBJECTS, broken_views=("gone",), tables=("note",))
    found = having(left, events=("e",), triggers=("t",), views=("v",))
    sql = mysql.empty_schema("s", found, "utf8mb4", "utf8mb4_bin")
    assert sql.startswith("SET SESSION foreign_key_checks = 0;")
    dropped = re.findall(r"DROP (\w+) IF EXISTS `s`\.`(\w+)`", sql)
    assert dropped == [("EVENT", "e"), ("TRIGGER", "t"), ("VIEW", "v"), ("VIEW", "gone"), ("TABLE", "note")]


def test_each_kind_is_dumped_only_where_there_is_one_and_events_last():
    assert mysql.dump_definitions("s", having()) == []
    found = having(events=("e",), triggers=("t",), functions=("f",), views=("--help",))
    commands = mysql.dump_definitions("s", found)
    kinds = [
        next(word for word in ("--routines", "--triggers", "--events", "--help") if word in one) for one in commands
    ]
    assert kinds == ["--routines", "--help", "--triggers", "--events"]
    # The name of a view is no option.
    assert commands[1].index("--") < commands[1].index("--help")


@pytest.mark.parametrize("device", ["/dev/vda", "/dev/mapper/a b"])
def test_free_bytes(device):
    head = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
    assert (
        mysql.parse_free_bytes(f"{head}{device}  263174212 25872372  81234567      25% /var/lib/mysql\n")
        == 81234567 * 1024
    )


def test_a_login_keeps_its_old_password_whatever_was_kept_before():
    old, new = mysql.add_password("shop", "old-one", "new-one").split(";")[:2]
    assert "IDENTIFIED BY 'old-one'" in old
    assert "RETAIN" not in old
    assert "IDENTIFIED BY 'new-one' RETAIN CURRENT PASSWORD" in new


@pytest.mark.parametrize(
    ("tls", "ca_file", "options"),
    [
        ("verify-full", "/ca.pem", "?ssl-ca=/ca.pem"),
        ("verify-full", "", "?ssl-ca=/etc/ssl/certs/ca-certificates.crt"),
        ("require", "/ca.pem", "?ssl_mode=REQUIRED"),
        ("disable", "", ""),
    ],
)
def test_the_projects_driver_verifies_an_external_server(tls, ca_file, options):
    assert mysql.url_options(tls, ca_file) == options
