"""MariaDB in the stack: migrations, restore, rotation."""

from __future__ import annotations

import re

from meter_stack import COLUMNS, COPY, FAILS

NAME = "maria"
VARIABLES = {"stack_database": "mariadb", "stack_database_image": "mariadb:11.8", "stack_database_extensions": []}


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
