# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, verify

from tests.unit._database.conftest import ROWS, TABLES, VIEWS


def describe(archive, **changes):
    """Say of an archive that it is what it is, as somebody would who means harm."""
    file = archive.with_name("dump.json")
    content = archive.read_bytes()
    said = {"sha256": hashlib.sha256(content).hexdigest(), "archive_bytes": len(content), **changes}
    file.write_text(json.dumps({**json.loads(file.read_text()), **said}))


def test_a_whole_archive_is_what_was_dumped(dumped):
    found = verify(dumped.archive)
    assert found == dumped
    assert b"".join(found.read_tables()) == TABLES
    assert b"".join(found.read_definitions()) == VIEWS


def test_an_archive_without_views_has_no_second_part(compose, folder):
    compose.look(views=None)
    made = verify(compose.dump(folder).archive)
    assert b"".join(made.read_definitions()) == b""


def test_an_archive_that_is_cut_anywhere_is_refused(dumped):
    content = dumped.archive.read_bytes()
    for size in range(len(content)):
        dumped.archive.write_bytes(content[:size])
        with pytest.raises(ArchiveError, match=r"dump\.sql\.gz.* bytes"):
            verify(dumped.archive)


def test_an_archive_in_which_any_byte_differs_is_refused(dumped):
    content = dumped.archive.read_bytes()
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        dumped.archive.write_bytes(changed)
        with pytest.raises(ArchiveError, match="checksum"):
            verify(dumped.archive)


def test_gzip_is_read_to_its_end_even_where_the_checksum_fits(dumped):
    content = bytearray(dumped.archive.read_bytes())
    content[dumped.definitions_at - 8] ^= 1
    dumped.archive.write_bytes(content)
    describe(dumped.archive)
    with pytest.raises(ArchiveError, match=r"dump\.sql\.gz cannot be read"):
        verify(dumped.archive)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (TABLES[: TABLES.index(b"INSERT")], "mysqldump"),
        (TABLES[: TABLES.index(b"2,'it")], "mysqldump"),
        (TABLES.replace(b"INSERT INTO `note` VALUES (4,'');\n", b""), "note"),
        (TABLES.replace(b"(2,'it\\'s'),", b""), "note"),
    ],
)
def test_sql_that_is_not_what_was_dumped_is_refused(dumped, tables, said):
    first = gzip.compress(tables)
    dumped.archive.write_bytes(first + gzip.compress(VIEWS))
    describe(dumped.archive, definitions_at=len(first))
    with pytest.raises(ArchiveError, match=said):
        verify(dumped.archive)


def test_definitions_that_are_cut_are_refused(dumped):
    first = gzip.compress(TABLES)
    dumped.archive.write_bytes(first + gzip.compress(VIEWS[:20]))
    describe(dumped.archive, definitions_at=len(first))
    with pytest.raises(ArchiveError, match="mysqldump"):
        verify(dumped.archive)


def test_an_empty_database_is_refused(compose, folder):
    compose.look(tables=None, views=None)
    compose.answer(tables=b"-- Dump completed on 2026-11-27 13:19:14\n")
    with pytest.raises(ArchiveError, match="no table"):
        verify(compose.dump(folder).archive)


def test_an_archive_of_which_nothing_is_known_is_refused(dumped, folder):
    (folder / "dump.json").unlink()
    with pytest.raises(ArchiveError, match=r"dump\.json"):
        verify(dumped.archive)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 1}', "null"])
def test_a_damaged_description_is_refused(dumped, folder, content):
    (folder / "dump.json").write_text(content)
    with pytest.raises(ArchiveError, match=r"dump\.json.*damaged"):
        verify(dumped.archive)


def test_a_description_of_a_newer_version_is_refused(dumped):
    describe(dumped.archive, format=2)
    with pytest.raises(ArchiveError, match="format 2"):
        verify(dumped.archive)


def test_rows_are_counted_past_what_stands_in_strings_and_names(dumped):
    assert dumped.tables == ROWS
