"""Stacks of the project meter on several databases, and what is done to each."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import load

ROOT = Path(__file__).parents[1]
SOURCE, COPY = ROOT / "tests/projects/meter", ROOT / ".cache/databases"
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("meter", "{after}")]
    operations = [
        migrations.AddField("note", "{field}", models.CharField(max_length=10, null=True)),
{more}    ]
"""
FAILS = '        migrations.RunSQL("SELECT no_such_column FROM meter_note"),\n'
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'meter_note'"
# New ones in every run: a number that was there before may find its image.
numbers = itertools.count(int(time.time()) % 10**7)


def edit_release() -> str:
    """Change the one line that makes a release of its own; return its name."""
    number = str(next(numbers))
    file = COPY / "meter/settings.py"
    file.write_text(re.sub(r'RELEASE = "\d+"', f'RELEASE = "{number}"', file.read_text()))
    return number


@dataclass
class Stack:
    """A stack on the scenario's host. `variables` are those by which it differs from the others."""

    name: str
    host: Any
    run: Any
    visitor: Any
    address: str
    variables: dict[str, object] = field(default_factory=dict)

    def play(self, name: str = "deploy", **variables: object) -> str:
        done = self._play(name, variables)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, name: str = "deploy", **variables: object) -> str:
        done = self._play(name, variables)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stdout.split())

    def _play(self, name: str, variables: dict[str, object]) -> subprocess.CompletedProcess[str]:
        began = time.time()
        given = {"stack_name": self.name, **self.variables, **variables}
        done = self.run(f"landfall.django.{name}", "--extra-vars", json.dumps(given))
        print(f"{self.name} {name} {variables or ''}: {time.time() - began:.1f} s")
        return done

    def page(self, path: str = "/") -> dict:
        return json.loads(self.visitor.get(path).text)

    def note(self) -> int:
        """Add a note, and return how many there are."""
        self.django("from meter.models import Note; Note.objects.create(text='kept')")
        return self.page()["notes"]

    def django(self, code: str) -> str:
        command = f"docker compose -p {self.name} exec -T web python3 manage.py shell -c {shlex.quote(code)}"
        return self.host.check_output(f"cd /srv/{self.name} && {command}").splitlines()[-1:]

    def query(self, sql: str) -> str:
        """What the project's own user gets from its database."""
        code = f"from django.db import connection as c; q = c.cursor(); q.execute({sql!r}); print(q.fetchall())"
        return "".join(self.django(code))

    def migrate(self, name: str, after: str, field: str, more: str = "") -> None:
        text = MIGRATION.format(after=after, field=field, more=more)
        (COPY / f"meter/migrations/{name}.py").write_text(text)
        edit_release()

    def records(self) -> list[dict]:
        code = (
            "import json, pathlib; f = sorted(pathlib.Path('.').iterdir(), key=lambda one: int(one.name));"
            " print(json.dumps([json.loads((one / 'record.json').read_text()) for one in f]))"
        )
        return json.loads(self.host.check_output(f"cd /srv/{self.name}/releases && python3 -c {shlex.quote(code)}"))

    def secret(self, name: str) -> str:
        return self.host.check_output(f"cat /srv/{self.name}/secrets/db/{name}")

    def backups(self, name: str) -> dict:
        """What the file `name` says of the backups."""
        return json.loads(self.host.check_output(f"cat /srv/{self.name}/backups/{name}"))

    def back_up_and_drill(self) -> None:
        """Back up into a repository on the host, and restore that backup into a throwaway database."""
        repository = f"/var/backups/{self.name}"
        notes = self.note()
        with self.on() as visitors:
            self.play("backup", backup_repository=repository)
            self.host.check_output(f"systemctl start landfall-drill@{self.name}.service")
        print(f"{len(visitors.done())} requests during a backup and a drill, none failed")
        state, drill = self.backups("state.json"), self.backups("drill.json")
        assert (state["error"], state["sent_name"]) == ("", state["name"])
        assert (drill["ok"], drill["name"]) == (True, state["name"])
        assert drill["rows"] >= notes
        left = f"docker ps --all --quiet --filter label=com.docker.compose.project={self.name}_drill"
        assert self.host.check_output(left) == ""
        self.host.check_output(f"systemctl start landfall-backup@{self.name}.service")
        assert self.backups("state.json")["sent_name"] > state["name"]
        said = self.refused("backup", backup_repository=repository, backup_password="not the right one")
        assert "backup_password" in said

    def on(self):
        """A load on the site."""
        return load.on(self.address, self.visitor.name)
