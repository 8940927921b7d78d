"""A deployment that is killed, that meets another, or whose host reboots."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import load
import pytest


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


def wait_for_task(process: subprocess.Popen[str], name: str) -> None:
    for line in process.stdout:
        if name in line:
            return
    raise AssertionError(f"no task {name}")


# A task, and the seconds after its beginning.
MOMENTS = (
    ("Build the image", 0.5),
    ("Write the Compose file", 0),
    *(("Bring the release into service", seconds) for seconds in (1, 3, 6)),
)


def test_a_killed_controller_blocks_nothing(project, started, play, page, variables, site):
    with load.on(variables["ansible_host"], site.name):
        for task, later in MOMENTS:
            release = project.next_release()
            process = started()
            wait_for_task(process, task)
            time.sleep(later)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            play()
            assert page()["release"] == release, f"{later} s after {task}"


def test_a_second_deployment_is_refused_and_told_who_is_first(project, started, ansible_playbook, page):
    release = project.next_release()
    first = started()
    wait_for_task(first, "Bring the source")
    second = ansible_playbook("landfall.django.deploy")
    assert second.returncode != 0
    assert re.search(r"A deployment of meter by \S+@\S+ is under way since 2\d{3}-", " ".join(second.stdout.split()))
    first.communicate()
    assert first.returncode == 0
    assert page()["release"] == release


def test_a_reboot_in_the_middle(host, project, started, converges, until, page, play):
    project.next_release()
    process = started()
    wait_for_task(process, "Bring the release into service")
    time.sleep(3)
    subprocess.run(["python", "-m", "lab", "power", "trixie", "reboot"], check=True, capture_output=True)
    process.communicate()

    def answers() -> bool:
        try:
            return bool(page()["release"])
        except (OSError, ValueError):
            return False

    until(answers, seconds=60)
    converges()
    assert "changed=0" in play()
