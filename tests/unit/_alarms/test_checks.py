# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import checks
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Settings
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import State
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._status.look import Found, Measure, Stack
from ansible_collections.landfall.django.plugins.module_utils._status.storage import Room

from tests.unit.sentences import only

MEMINFO = (
    "MemTotal:        4009000 kB\nMemFree:          100000 kB\nMemAvailable:     {} kB\nHugePages_Total:       0\n"
)


@pytest.mark.parametrize(("used", "level"), [(0.79, ""), (0.80, "problem"), (0.949, "problem"), (0.95, "severe")])
def test_a_disk_is_told_at_80_and_95_percent(used: float, level: str) -> None:
    problems, measures, _ = checks.run_all({"disk": lambda: checks.disks([Room(("/srv/shop",), 10, used=used)])})
    assert [problem.level for problem in problems] == ([level] if level else [])
    assert [problem.id for problem in problems] == (["disk/disk /srv/shop"] if level else [])
    assert measures == [Measure("filesystem_used_ratio", used, {"folder": "/srv/shop"})]


def test_two_file_systems_are_two_problems() -> None:
    full = [Room(("/",), 10, used=0.96), Room(("/data",), 10, used=0.81)]
    problems, _, _ = checks.run_all({"disk": lambda: checks.disks(full)})
    assert [(problem.subject, problem.severe) for problem in problems] == [("disk /", True), ("disk /data", False)]


@pytest.mark.parametrize(("available", "is_problem"), [(400900, False), (400800, True)])
def test_memory_is_what_programs_can_still_have(available: int, is_problem: bool) -> None:
    found = checks.memory(MEMINFO.format(available))
    assert bool(found.problems) == is_problem
    assert found.measures[0].value == pytest.approx(0.1, abs=0.001)


def test_failed_units_are_told_but_those_that_another_check_tells() -> None:
    listed = (
        "ssh.service                    loaded failed failed OpenBSD Secure Shell server\n"
        "landfall-shop.clean.service    loaded failed failed Job clean of the stack shop\n"
        "landfall-alarms@shop.service   loaded failed failed Alarms of the stack shop\n"
        "certbot.service                loaded failed failed Certbot\n"
        "landfall-front.service         loaded failed failed The front\n"
    )
    assert [sentence.partition(":")[0] for sentence in checks.units(listed).problems] == [
        "unit ssh.service",
        "unit landfall-front.service",
    ]
    assert checks.units("").problems == []


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(DockerError("docker ps failed"), id="docker"),
        pytest.param(ValueError("a record of a newer version"), id="ledger"),
        pytest.param(KeyError("MemAvailable"), id="key"),
        pytest.param(subprocess.CalledProcessError(1, "openssl"), id="program"),
    ],
)
def test_a_check_that_cannot_run_is_a_problem_and_stops_no_other(error: Exception) -> None:
    def broken() -> Found:
        raise error

    problems, _, ran = checks.run_all({"services": broken, "memory": lambda: Found(["memory: it is used up."])})
    assert [problem.id for problem in problems] == ["services/check", "memory/memory"]
    assert ran == {"services": False, "memory": True}
    assert str(error) in problems[0].sentence


def test_a_check_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_SECONDS", 1)

    def slow() -> Found:
        time.sleep(60)
        return Found()

    (problem,), _, ran = checks.run_all({"services": slow})
    assert "1 seconds" in problem.sentence
    assert ran == {"services": False}


def test_a_full_disk_is_seen_where_docker_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hangs(*_words: str, **_options: float) -> str:
        raise DockerError("docker info took more than 60 seconds")

    monkeypatch.setattr(checks.look, "CHECKS", {})
    monkeypatch.setattr(checks.look, "docker", hangs)
    monkeypatch.setattr(checks.storage, "rooms", lambda folders: [Room(tuple(folders), 10, used=0.96)])
    monkeypatch.setattr(checks, "run", lambda _command: subprocess.CompletedProcess([], 0, "", ""))
    wanted = Settings(Stack("shop", str(tmp_path)), redis=False)
    problems, _, ran = checks.looked(wanted, State(), 0)
    assert "disk/disk /" in [problem.id for problem in problems]
    assert ran == {"disk": True, "memory": True, "units": True}


def test_a_channel_that_does_not_work_is_told_to_the_others() -> None:
    (problem,) = checks.deliveries({"url": "the server answered 500"})
    assert problem.id == "alarms/url"
    assert only([problem.sentence]).startswith("url: ")
