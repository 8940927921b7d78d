"""MariaDB in the stack: migrations, restore, rotation."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from pathlib import Path

import pytest
from meter_stack import COLUMNS, COPY, FAILS

NAME = "maria"
# A dump of MySQL, in other character sets and collations.
DUMP, IMPORTED = Path(__file__).with_name("old.sql"), "/root/old.sql"
VARIABLES = {
    "stack_database": "mariadb",
    "stack_database_image": "mariadb:11.8",
    "stack_database_extensions": [],
    "stack_database_import": IMPORTED,
}
TABLES = (
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_collation <> 'utf8mb4_uca1400_ai_ci'"
)


@pytest.fixture(scope="module")
def deployed(stack):
    """The first release imports the data of another site."""
    content = b64encode(DUMP.read_bytes()).decode()
    stack.host.check_output(f"echo {content} | base64 --decode | tee {shlex.quote(IMPORTED)}")
    stack.play("site")
    return stack


def test_the_first_release_imports_the_dump_of_another_site(deployed):
    record = deployed.records()[0]
    assert record["imported"]["rows"] == 3
    assert record["import_is_final"]
    assert "latin1_swedish_ci" in record["imported"]["converted"]
    assert record["migrations"] == []
    assert deployed.query("SELECT text FROM titles ORDER BY text LIMIT 1 OFFSET 1") == "(('Málaga',),)"
    assert deployed.query(TABLES) == "((0,),)"
    # All later deployments have the variable too, and do not need the file.
    deployed.host.check_output(f"rm {IMPORTED}")


def test_a_release_with_a_migration_loses_no_request(deployed):
    deployed.note()
    assert "MariaDB" in deployed.query("SELECT version()")
    deployed.migrate("0002_colour", "0001_initial", "colour")
    with deployed.on() as visitors:
        deployed.play()
    print(f"{len(visitors.done())} requests, none failed")
    assert deployed.records()[-1]["migrations"] == ["meter.0002_colour"]


def test_a_migration_that_fails_is_half_done_until_its_dump_is_restored(deployed):
    notes = deployed.note()
    deployed.migrate("0003_size", "0002_colour", "size", FAILS)
    said = deployed.refused()
    assert "size" in deployed.query(COLUMNS), "MariaDB does not take it back"
    number = re.search(r"restore_release=(\d+)", said).group(1)
    (COPY / "meter/migrations/0003_size.py").unlink()
    deployed.play("restore", restore_release=number)
    assert deployed.page()["notes"] == notes
    assert "size" not in deployed.query(COLUMNS)
    deployed.play("restore", restore_forget=True)


def test_a_rotation_loses_no_request(deployed):
    password = deployed.secret("password")
    with deployed.on() as visitors:
        deployed.play("rotate", rotate_secrets=["stack_database_password", "stack_database_root_password"])
    print(f"{len(visitors.done())} requests, none failed")
    assert deployed.secret("password") != password
    login = "mariadb --skip-ssl --protocol=tcp --host=127.0.0.1 --user=maria --execute='SELECT 1'"
    old = deployed.host.run(f"docker exec -e MYSQL_PWD={password} maria-db-1 {login}")
    assert "Access denied" in old.stderr


def test_a_backup_is_sent_and_restored_into_a_throwaway_database(deployed):
    deployed.back_up_and_drill()
