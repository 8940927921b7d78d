"""PostgreSQL in the stack: ownership, migrations, restore, rotation, upgrade."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

from meter_stack import COLUMNS, COPY, FAILS

NAME, VARIABLES = "post", {}
DROPS = '        migrations.RemoveField("note", "{}"),\n'
ROLE = "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"


def test_the_project_owns_its_database_and_is_no_administrator(deployed):
    assert deployed.query(ROLE) == "[('post_owner', False, False, False)]"
    assert (
        deployed.query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'post'") == "[('post_owner',)]"
    )
    assert "pg_trgm" in deployed.query("SELECT extname FROM pg_extension")
    encryption = deployed.query("SHOW password_encryption")
    assert "scram-sha-256" in encryption


def test_a_second_run_changes_nothing(deployed):
    assert "changed=0" in deployed.play("site")


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


def test_a_migration_that_breaks_the_code_in_service_is_refused_until_it_is_asked_for(deployed):
    deployed.migrate("0003_size", "0002_colour", "size", DROPS.format("colour"))
    before = deployed.page()["release"]
    said = deployed.refused(stack_migrations="safe")
    assert "deploy_despite_migrations" in said
    refused = deployed.records()[-1]
    assert (refused["reached"], refused["dump"]) == ("checking", ""), "before anything changes"
    assert "colour" in deployed.query(COLUMNS)
    assert deployed.page()["release"] == before
    deployed.play(stack_migrations="safe", deploy_despite_migrations=True)
    record = deployed.records()[-1]
    assert record["despite_migrations"]
    assert [warning for warning in record["warnings"] if "drops the column meter_note.colour" in warning]
    assert "colour" not in deployed.query(COLUMNS)


def test_an_upgrade_killed_in_the_middle_is_rolled_back_by_the_next_deployment(deployed, host):
    notes = deployed.note()
    number = deployed.records()[-1]["release"] + 1
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(deployed.refused, stack_database_image="postgres:18")
        # The former data is aside, and the new server has nothing yet.
        look = "until docker volume inspect post_db-data-17; do sleep 0.02; done"
        assert host.run("timeout 180 sh -c %s", look).rc == 0
        holder = json.loads(host.file("/srv/post/.lock").content_string)
        host.check_output("kill -9 %s", str(holder["pid"]))
        killed.result()
    assert host.file("/srv/post/upgrade.json").exists
    deployed.play()
    record = next(one for one in deployed.records() if one["release"] == number)
    assert (record["state"], record["reached"]) == ("failed", "upgrading the database")
    assert deployed.page()["notes"] == notes
    assert "PostgreSQL 17" in deployed.query("SELECT version()")
    assert not host.file("/srv/post/upgrade.json").exists
    assert "post_db-data-17" not in host.check_output("docker volume ls --quiet")


def test_an_upgrade_moves_the_data_and_keeps_the_former(deployed):
    notes = deployed.note()
    deployed.play(stack_database_image="postgres:18")
    assert deployed.page()["notes"] == notes
    assert "PostgreSQL 18" in deployed.query("SELECT version()")
    assert deployed.query(ROLE).startswith("[('post_owner'")
    assert "post_db-data-17" in deployed.host.check_output("docker volume ls --quiet")
    assert "changed=0" in deployed.play(stack_database_image="postgres:18")
    # Another release keeps the new server, and an older one is refused. What would break the code in service is said.
    deployed.migrate("0004_shape", "0003_size", "shape", DROPS.format("size"))
    deployed.play(stack_database_image="postgres:18")
    record = deployed.records()[-1]
    assert [warning for warning in record["warnings"] if "drops the column meter_note.size" in warning]
    assert not record["despite_migrations"]
    assert "stack_database_image" in deployed.refused(stack_database_image="postgres:17")
    assert deployed.page()["notes"] == notes
    deployed.play("restore", restore_forget=True)
    assert "post_db-data-17" not in deployed.host.check_output("docker volume ls --quiet")


def test_a_backup_is_sent_and_restored_into_a_throwaway_database(deployed):
    deployed.back_up_and_drill()
