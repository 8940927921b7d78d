"""Migrations run after a dump; one that fails names it, and the way back."""

from __future__ import annotations

import re

SQL = "docker compose -p meter exec -T db sh -c 'MYSQL_PWD=$(cat /run/secrets/root_password) mysql --user=root -N"
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("meter", "0001_initial")]
    operations = [
        migrations.AddField("note", "colour", models.CharField(max_length=10, null=True)),
        migrations.RunSQL("SELECT no_such_column FROM meter_note"),
    ]
"""


GOOD = MIGRATION.replace('        migrations.RunSQL("SELECT no_such_column FROM meter_note"),\n', "")


def test_a_migration_that_fails_names_the_way_back(host, site, project, refused, page, play, ansible_playbook):
    post = "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/note/', b'kept', HEADERS))"
    headers = {"Host": site.name, "X-Forwarded-Proto": "https"}
    web = host.check_output("docker compose -p meter ps -q web").split()[0]
    host.check_output("docker exec %s python3 -c %s", web, post.replace("HEADERS", repr(headers)))
    notes = page()["notes"]
    assert notes
    (project.root / "meter/migrations/0002_colour.py").write_text(MIGRATION)
    said = refused()
    assert "meter.0002_colour" in said
    assert "no_such_column" in said
    # By now the image is there to be asked.
    plan = ansible_playbook("landfall.django.deploy", "--check", "--diff").stdout
    assert "apply the pending migration meter.0002_colour" in plan
    assert "build an image" not in plan
    number = re.search(r"restore_release=(\d+)", said).group(1)
    column = f'{SQL} -e "show columns from meter.meter_note"\''
    assert "colour" in host.check_output(column), "MySQL does not take it back"
    # An archive that is not whole changes nothing; then the way back is gone.
    archive = f"/srv/meter/releases/{number}/dump.sql.gz"
    host.check_output(f"cp -p {archive} /root/whole.sql.gz && truncate --size=-1 {archive}")
    assert re.search(rf"releases/{number}/dump\.sql\.gz.* bytes", refused("restore", restore_release=number))
    host.check_output(f"mv /root/whole.sql.gz {archive}")
    planned = ansible_playbook("landfall.django.restore", "--check", "--diff", f"--extra-vars=restore_release={number}")
    assert "stop meter-" in planned.stdout
    assert "colour" in host.check_output(column), "a check changes nothing"
    said = play("restore", restore_release=number)
    assert "colour" not in host.check_output(column)
    assert page()["notes"] == notes
    # Back again to what was there, which was half migrated; and once more.
    kept = re.search(r"restore_kept=(\S+)", said).group(1)
    play("restore", restore_kept=kept)
    assert "colour" in host.check_output(column)
    play("restore", restore_release=number)
    assert "colour" not in host.check_output(column)
    play("restore", restore_forget=True)
    assert not host.file(f"/srv/meter/restore/{kept}").exists


def test_pending_migrations_run_after_a_dump_and_are_in_the_ledger(host, project, play, ledger):
    (project.root / "meter/migrations/0002_colour.py").write_text(GOOD)
    project.next_release()
    play()
    entry = ledger()[-1]
    assert entry["migrations"] == ["meter.0002_colour"]
    assert host.file(entry["dump"]).mode == 0o600
    assert "CREATE TABLE `meter_note`" in host.check_output("zcat %s", entry["dump"])


def test_a_release_before_a_migration_is_not_gone_back_to_unasked(project, refused, play, ledger, page):
    served = [entry["release"] for entry in ledger()]
    migrated = next(entry["release"] for entry in reversed(ledger()) if entry["migrations"])
    number = served[served.index(migrated) - 1]
    said = refused("rollback", rollback_release=number)
    assert "meter.0002_colour" in said
    assert "rollback_despite_migrations" in said
    play("rollback", rollback_release=number, rollback_despite_migrations=True)
    assert ledger()[-1]["rollback_to"] == number
    # On again, without a migration and so without a dump.
    project.next_release()
    play()
    assert (ledger()[-1]["migrations"], ledger()[-1]["dump"]) == ([], "")
