"""PostgreSQL in the stack: ownership, migrations, restore, rotation, upgrade."""

from __future__ import annotations

import re

from meter_stack import COLUMNS, COPY, FAILS, edit_release

NAME, VARIABLES = "post", {}
ROLE = "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"


def test_the_project_owns_its_database_and_is_no_administrator(deployed):
    assert deployed.query(ROLE) == "[('post_owner', False, False, False)]"
    assert (
        deployed.query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'post'") == "[('post_owner',)]"
    )
    assert "pg_trgm" in deployed.query("SELECT extname FROM pg_extension")
    encryption = deployed.query("SHOW password_encryption")
    assert "scram-sha-256" in encryption


def test_a_release_with_a_migration_loses_no_request(deployed):
    deployed.note()
    deployed.migrate("0002_colour", "0001_initial", "colour")
    with deployed.on() as visitors:
        deployed.play()
    print(f"{len(visitors.done())} requests, none failed")
    record = deployed.records()[-1]
    assert record["migrations"] == ["meter.0002_colour"]
    assert deployed.host.file(record["dump"]).mode == 0o600
    assert "colour" in deployed.query(COLUMNS)


def test_a_migration_that_fails_is_undone_and_its_dump_can_be_restored(deployed):
    notes = deployed.note()
    deployed.migrate("0003_size", "0002_colour", "size", FAILS)
    said = deployed.refused()
    assert "meter.0003_size" in said
    assert "no_such_column" in said
    assert "size" not in deployed.query(COLUMNS), "PostgreSQL takes it back"
    number = re.search(r"restore_release=(\d+)", said).group(1)
    deployed.note()
    (COPY / "meter/migrations/0003_size.py").unlink()
    deployed.play("restore", restore_release=number)
    assert deployed.page()["notes"] == notes
    assert deployed.query(ROLE).startswith("[('post_owner'")
    # What the restore has made belongs to the owner, so that the next migration may change it.
    assert "post_owner" in deployed.query("SELECT tableowner FROM pg_tables WHERE tablename = 'meter_note'")
    deployed.play("restore", restore_forget=True)


def test_a_rollback_before_a_migration_is_refused_unasked(deployed):
    said = deployed.refused("rollback", rollback_release=1)
    assert "meter.0002_colour" in said
    assert "rollback_despite_migrations" in said


def test_two_logins_take_turns_and_no_request_is_lost(deployed):
    password = deployed.secret("password")
    for user in ("post_2", "post"):
        with deployed.on() as visitors:
            deployed.play("rotate", rotate_secrets=["stack_database_password"])
        print(f"{len(visitors.done())} requests, none failed")
        assert deployed.secret("user") == user
        assert deployed.secret("password") != password
        assert deployed.query("SELECT session_user, current_user") == f"[('{user}', 'post_owner')]"
        password = deployed.secret("password")
    login = deployed.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'post_2'")
    assert login == "[(False,)]"


def test_another_kind_of_database_is_refused(deployed):
    before = deployed.query("SELECT version()")
    assert "stack_database" in deployed.refused(stack_database="mysql", stack_database_extensions=[])
    assert deployed.query("SELECT version()") == before


def test_an_upgrade_moves_the_data_and_keeps_the_former(deployed):
    notes = deployed.note()
    deployed.play(stack_database_image="postgres:18")
    assert deployed.page()["notes"] == notes
    assert "PostgreSQL 18" in deployed.query("SELECT version()")
    assert deployed.query(ROLE).startswith("[('post_owner'")
    assert "post_db-data-17" in deployed.host.check_output("docker volume ls --quiet")
    # Another release keeps the new server, and an older one is refused.
    edit_release()
    deployed.play(stack_database_image="postgres:18")
    assert "stack_database_image" in deployed.refused(stack_database_image="postgres:17")
    assert deployed.page()["notes"] == notes
    deployed.play("restore", restore_forget=True)
    assert "post_db-data-17" not in deployed.host.check_output("docker volume ls --quiet")
