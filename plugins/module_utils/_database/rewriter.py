# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rewrite the dump of another server, line by line, so that the stack's own server takes it.

What belongs to that server is left out: its users, owners and rights, its replication, its time-outs. The rows of
tables are never changed. Private to this collection.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from ansible_collections.landfall.django.plugins.module_utils._database.engine import DumpScanner

_CHARSET = b"utf8mb4"
_BINARY = b"binary"  # no character set
_WORD = rb"(?:`(?:[^`]|``)*`|'[^']*'|[\w%.-]+)"
_DEFINER = re.compile(rb"\bDEFINER ?= ?" + _WORD + rb"@" + _WORD)
# What is in quotes is passed over.
_TEXT = re.compile(
    rb"'(?:[^'\\]|\\.)*'|`[^`]*`"
    rb"|\b(?:DEFAULT )?(?:CHARSET|CHARACTER SET)[ =](?P<charset>\w+)(?: COLLATE[ =](?P<collation>\w+))?"
    rb"|\bCOLLATE[ =](?P<alone>\w+)"
)
_CONNECTION = re.compile(rb"(\bcollation_connection\s*= *)(\w+)")
_MODE = re.compile(rb"(/\*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE=')")
_REMOVED_MODE = re.compile(rb"NO_AUTO_CREATE_USER,|,?NO_AUTO_CREATE_USER")  # MySQL 8 refuses it, and it is about GRANT
_MYSQL_OTHER = re.compile(rb"USE |CREATE DATABASE |(?:/\*!\d+ )?DROP DATABASE ")
_MYSQL_LEFT_OUT = re.compile(
    rb"SET @@GLOBAL\.|SET @@SESSION\.SQL_LOG_BIN|SET @MYSQLDUMP_TEMP_LOG_BIN|SET GLOBAL |ALTER DATABASE |GRANT "
    rb"|CREATE USER |CHANGE (?:MASTER|REPLICATION SOURCE) "
)
_SANDBOX = b"/*M!999999"  # a command for MariaDB's client

_POSTGRESQL_OTHER = re.compile(
    rb"\\c(?:onnect)? |CREATE DATABASE |DROP DATABASE |CREATE ROLE |-- PostgreSQL database cluster dump"
)
_POSTGRESQL_LEFT_OUT = re.compile(
    rb"(?:ALTER .+ OWNER TO .+|ALTER DEFAULT PRIVILEGES .+|(?:GRANT|REVOKE) .+|SET SESSION AUTHORIZATION .+"
    # Settings that other versions do not know, and the place of files.
    rb"|SET (?:\w+_timeout|default_with_oids|default_tablespace) = .*|CREATE SCHEMA public|COMMENT ON EXTENSION .+);$"
)
_EXTENSION = re.compile(rb'CREATE EXTENSION (?:IF NOT EXISTS )?("(?:[^"]|"")+"|[^\s";]+)')
_OPENING = re.compile(rb"--|'|\"|\$(?:[A-Za-z_]\w*)?\$")


class OtherDatabaseError(Exception):
    """The dump names databases, or is one of a whole server. The message is that line."""


class Rewriter(ABC):
    """Rewrites a dump, and notes what was in it.

    `converted` are the character sets and collations that its texts had and lose; `extensions` those that it needs.
    """

    def __init__(self, scanner: DumpScanner):
        self.scanner = scanner
        self.converted: set[str] = set()
        self.extensions: set[str] = set()

    @abstractmethod
    def rewrite(self, line: bytes) -> bytes:
        """Return the next line as the server takes it; empty where it is left out. Raises OtherDatabaseError."""


class MySQLRewriter(Rewriter):
    """Rewrites the output of mysqldump and of MariaDB's program.

    All texts get the character set utf8mb4 and `collation`. Where they told accents or case apart, they get that one of
    the `family`, and where they were compared as bytes, utf8mb4_bin. The server converts the rows itself as it loads
    them, and fails where one does not fit any more.
    """

    def __init__(self, scanner: DumpScanner, user: str, collation: str, family: str):
        super().__init__(scanner)
        name = user.replace("`", "``")
        self._definer = f"DEFINER=`{name}`@`%`".encode()
        self._collation, self._family = collation.encode(), family.encode()
        self._leaving_out = False

    def rewrite(self, line: bytes) -> bytes:
        is_row = self.scanner.in_rows or line.startswith(b"INSERT ")
        self.scanner.feed(line)
        if is_row:
            return line
        if self._leaving_out or _MYSQL_LEFT_OUT.match(line):
            # A list of transactions may have several lines.
            self._leaving_out = not line.rstrip().endswith(b";")
            return b""
        if _MYSQL_OTHER.match(line):
            raise OtherDatabaseError(line.decode(errors="replace").strip())
        if line.startswith(_SANDBOX):
            return b""
        if line.startswith((b"/*", b"CREATE ")):
            # In strict mode, a text that does not fit is an error, and is not cut. Dates stay as they are.
            line = _MODE.sub(rb"\1STRICT_ALL_TABLES,ALLOW_INVALID_DATES,", line)
            line = _REMOVED_MODE.sub(b"", line) if b"sql_mode" in line else line
            line = _CONNECTION.sub(lambda found: found[1] + self._target(found[2]), line)
            line = _DEFINER.sub(lambda _found: self._definer, line)
        return _TEXT.sub(self._of_text, line)

    def _of_text(self, found: re.Match[bytes]) -> bytes:
        charset, collation = found["charset"] or b"", found["collation"] or found["alone"] or b""
        if not (charset or collation) or _BINARY in (charset, collation):
            return found[0]
        target = self._target(collation)
        if collation not in (b"", target) or charset not in (b"", _CHARSET):
            self.converted.add((collation or charset).decode())
        return b"COLLATE " + target if found["alone"] else b"CHARACTER SET " + _CHARSET + b" COLLATE " + target

    def _target(self, collation: bytes) -> bytes:
        if collation.endswith(b"_bin"):
            return _CHARSET + b"_bin"
        if collation.endswith((b"_as_ci", b"_cs")):
            return self._family + (b"_as_ci" if collation.endswith(b"_ci") else b"_as_cs")
        return self._collation


class PostgreSQLRewriter(Rewriter):
    """Rewrites the output of pg_dump and pg_restore.

    Whoever loads it owns everything in it. Extensions are left out: only the administrator can install them.
    """

    def __init__(self, scanner: DumpScanner):
        super().__init__(scanner)
        self._open = b""  # ends the string in which the next line begins

    def rewrite(self, line: bytes) -> bytes:
        if self._open:
            self._follow_quotes(line)
            return line
        is_row = self.scanner.in_rows
        self.scanner.feed(line)
        if is_row:
            return line
        text = line.rstrip(b"\r\n")
        if _POSTGRESQL_OTHER.match(text):
            raise OtherDatabaseError(text.decode(errors="replace"))
        if made := _EXTENSION.match(text):
            self.extensions.add(made[1].decode().strip('"'))
            return b""
        if _POSTGRESQL_LEFT_OUT.match(text):
            return b""
        if not self.scanner.in_rows:
            self._follow_quotes(line)
        return line

    def _follow_quotes(self, line: bytes) -> None:
        """A doubled quote ends a string and begins another one."""
        at = 0
        while True:
            if self._open:
                end = line.find(self._open, at)
                if end < 0:
                    return
                at, self._open = end + len(self._open), b""
            else:
                found = _OPENING.search(line, at)
                if not found or found[0] == b"--":
                    return
                at, self._open = found.end(), found[0]
