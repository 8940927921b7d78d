"""A deployment that is killed at each state of its record, that meets another, or whose host loses its power."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable

import load
import pytest

RECORD = "/srv/meter/releases/{}/record.json"
# Long enough to be met in the middle.
SLOW = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("meter", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE TABLE meter_slow (id int)", "DROP TABLE meter_slow"),
        migrations.RunSQL("SELECT SLEEP(25)"),
    ]
"""


@pytest.fixture
def started(variables):
    """Start a deployment and leave it running."""

    def start() -> subprocess.Popen[str]:
        scenario = os.environ["MOLECULE_SCENARIO_DIRECTORY"]
        inventory = f"{os.environ['MOLECULE_PROJECT_DIRECTORY']}/molecule/inventory"
        command = ["ansible-playbook", "landfall.django.deploy", "-i", inventory, "-e", f"@{scenario}/meter.yml"]
        return subprocess.Popen(
            [*command, "--limit", variables["inventory_hostname"]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.fixture
def reached(host, attempts) -> Callable[[int, str], None]:
    """Wait until an attempt says that it has come to a state."""

    def wait(number: int, state: str) -> None:
        file = RECORD.format(number)
        look = f'while ! grep -q \'"state": "{state}"\' {file} 2>/dev/null; do sleep 0.02; done'
        assert host.run("timeout 60 sh -c %s", look).rc == 0, f"{number} never came to {state}"

    return wait


def wait_for_task(process: subprocess.Popen[str], name: str) -> None:
    for line in process.stdout:
        if name in line:
            return
    raise AssertionError(f"no task {name}")


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_controller_blocks_nothing(project, started, reached, attempts, play, page, variables, site):
    with load.on(variables["ansible_host"], site.name):
        release = project.next_release()
        number = attempts()[-1]["release"] + 1
        process = started()
        reached(number, "switching")
        kill(process)
        play()
        assert page()["release"] == release


@pytest.mark.parametrize("state", ["checking", "switching"])
def test_a_release_that_is_killed_on_the_host_is_told_and_made_up_for(
    host, project, started, reached, attempts, play, page, variables, site, state
):
    number = attempts()[-1]["release"] + 1
    with load.on(variables["ansible_host"], site.name):
        release = project.next_release()
        process = started()
        reached(number, state)
        host.check_output("kill -9 %s", str(json.loads(host.file("/srv/meter/.lock").content_string)["pid"]))
        process.communicate()
        assert process.returncode != 0
        play()
        assert page()["release"] == release
    killed = next(record for record in attempts() if record["release"] == number)
    assert killed["state"] == "failed"
    assert state in killed["error"]


def test_a_second_deployment_is_refused_and_told_who_is_first(project, started, ansible_playbook, page):
    release = project.next_release()
    first = started()
    wait_for_task(first, "Bring the source")
    second = ansible_playbook("landfall.django.deploy")
    assert second.returncode != 0
    said = " ".join(second.stdout.split())
    assert re.search(r"A deployment of meter by \S+@\S+ has been running since 2\d{3}-", said)
    first.communicate()
    assert first.returncode == 0
    assert page()["release"] == release


def test_a_power_cut_in_a_migration_leaves_in_force_what_serves(
    host, project, started, reached, attempts, ansible_playbook, play, page, until
):
    before = page()["release"]
    number = attempts()[-1]["release"] + 1
    image = host.check_output("sed -n 's/^  image: //p' /srv/meter/compose.yaml | head -1")
    (project.root / "meter/migrations/0002_slow.py").write_text(SLOW)
    project.next_release()
    process = started()
    reached(number, "migrating")
    for verb in ("kill", "start"):
        subprocess.run(["python", "-m", "lab", "power", "trixie", verb], check=True, capture_output=True)
    kill(process)

    def answers() -> bool:
        try:
            return page()["release"] == before
        except (OSError, ValueError):
            return False

    until(answers, seconds=90)
    assert host.check_output("sed -n 's/^  image: //p' /srv/meter/compose.yaml | head -1") == image
    assert host.file(f"/srv/meter/releases/{number}/dump.sql.gz").size > 100
    status = ansible_playbook("landfall.django.status")
    assert status.returncode != 0
    assert f"release {number}" in status.stdout
    assert "migrating" in status.stdout
    # The table that the migration made is in its way, until the dump is restored.
    play("restore", restore_release=number)
    project.restore()
    release = project.next_release()
    play()
    assert page()["release"] == release
    time.sleep(1)
    assert "changed=0" in play()
