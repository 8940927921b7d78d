# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES, by_name
from ansible_collections.landfall.django.plugins.module_utils._database.versions import Versions

HISTORY = """{"file_format":"1","upgrade_history":[
{"date":"2026-11-27 21:14:05","version":"8.4.6","maturity":"LTS","initialize":true},
{"date":"2026-11-27 21:14:05","version":"8.4.7-2","maturity":"LTS"}]}"""


@pytest.mark.parametrize(
    ("engine", "old", "new", "needed"),
    [
        ("mysql", "8.4.6", "8.4.7", False),
        ("mysql", "9.7.4", "9.7.1", False),
        ("mysql", "8.4.6", "9.7.4", True),
        ("mysql", "9.7.4", "10.2.0", True),
        ("postgresql", "17", "17.12", False),
        ("postgresql", "17", "18.6", True),
        ("postgresql", "9", "18.6", True),
    ],
)
def test_only_another_series_needs_a_dump(engine, old, new, needed):
    assert by_name(engine).versions.needs_dump(old, new) is needed


@pytest.mark.parametrize(
    ("engine", "old", "new", "words"),
    [
        ("mysql", "9.7.4", "8.4.6", "MySQL 9.7 or later"),
        ("mysql", "10.2.0", "9.7.4", "MySQL 10.2 or later"),
        ("mysql", "8.0.40", "9.7.4", "MySQL 8.4 first"),
        ("postgresql", "18", "17.12", "PostgreSQL 18 or later"),
    ],
)
def test_a_downgrade_and_a_jump_are_refused_with_the_image_to_set(engine, old, new, words):
    with pytest.raises(ValueError, match=f"stack_database_image.*{words}"):
        by_name(engine).versions.needs_dump(old, new)


@pytest.mark.parametrize(
    ("engine", "output", "version", "series"),
    [
        ("mysql", "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4", "9.7"),
        ("postgresql", "postgres (PostgreSQL) 17.12 (Debian 17.12-0+deb13u1)", "17.12", "17"),
        ("postgresql", "postgres (PostgreSQL) 19beta1", "19", "19"),
    ],
)
def test_what_a_server_prints(engine, output, version, series):
    versions = by_name(engine).versions
    assert versions.parse(output) == version
    assert versions.series(version) == series


def test_what_names_no_version():
    with pytest.raises(ValueError, match="MySQL"):
        by_name("mysql").versions.parse("no such option\n")


@pytest.mark.parametrize(
    ("engine", "file", "text", "version"),
    [
        ("mysql", "mysql_upgrade_history", HISTORY, "8.4.7"),
        ("postgresql", "cluster/PG_VERSION", "17\n", "17"),
    ],
)
def test_the_version_that_used_the_data_last(tmp_path, engine, file, text, version):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert by_name(engine).versions.of_data(tmp_path) == version


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda engine: engine.name)
def test_data_of_nobody_knows_what_is_not_taken_for_none(tmp_path, engine):
    versions = engine.versions
    assert versions.of_data(tmp_path / "missing") is None
    assert versions.of_data(tmp_path) is None
    folder = tmp_path / versions.folder
    (folder / "lost+found").mkdir(parents=True)
    assert versions.of_data(tmp_path) is None
    (folder / "ibdata1").touch()
    with pytest.raises(ValueError, match=versions.files[0]):
        versions.of_data(tmp_path)


def test_the_first_file_that_exists_counts(tmp_path):
    versions = Versions("MariaDB", "mariadbd", ("mariadb_upgrade_info", "mysql_upgrade_info"))
    (tmp_path / "mysql_upgrade_info").write_text("10.11.9-MariaDB")
    assert versions.of_data(tmp_path) == "10.11.9"
    (tmp_path / "mariadb_upgrade_info").write_text("11.8.9-MariaDB")
    assert versions.of_data(tmp_path) == "11.8.9"
