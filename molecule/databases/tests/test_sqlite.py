"""No database server: SQLite in a folder that stays."""

from __future__ import annotations

NAME = "plain"
# No Celery, whose processes would wait for each other's locks.
VARIABLES = {"stack_database": "none", "stack_database_extensions": [], "stack_celery_app": ""}


def test_the_data_survives_a_release_whose_migrations_have_no_dump(deployed, host):
    notes = deployed.note()
    assert host.file("/srv/plain/volumes/data/db.sqlite3").is_file
    assert "db" not in host.check_output("docker compose -p plain ps --services --all").split()
    deployed.migrate("0002_colour", "0001_initial", "colour")
    assert "stack_migration_dump" in deployed.refused()
    assert deployed.page()["notes"] == notes
    deployed.play(stack_migration_dump=False)
    record = deployed.records()[-1]
    assert (record["migrations"], record["dump"]) == (["meter.0002_colour"], "")
    assert deployed.page()["notes"] == notes
    assert "colour" in deployed.query("PRAGMA table_info(meter_note)")
