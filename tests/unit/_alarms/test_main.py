# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rounds of the program, with what the checks find given, and a server that is told."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import main, settings
from ansible_collections.landfall.django.plugins.module_utils._alarms.main import Memory
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Settings
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Event, Known, Problem, State
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._status.look import Measure
from ansible_collections.landfall.django.plugins.plugin_utils import _program

from tests.unit._alarms.servers import Server

DOWN = Problem("services", "web", "web: its container is missing: run landfall.django.site.")
Found = dict[str, list[Problem]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """What the next round finds."""
    given: Found = {"problems": []}
    measures = [Measure("site_up", 1, {"domain": "shop.example.com"})]
    monkeypatch.setattr(main.checks, "looked", lambda *_: (list(given["problems"]), measures, {"services": True}))
    monkeypatch.setattr(main, "_STARTING", 0)
    return given


@pytest.fixture
def wanted(tmp_path: Path, server: Server) -> Settings:
    file = tmp_path / "settings.json"
    file.write_text(
        json.dumps(
            {
                "stack": {"stack": "shop", "root": str(tmp_path), "front_root": "", "domain": "shop.example.com"},
                "redis": True,
                "alarms": {"url": f"{server.url}/hook", "ping": f"{server.url}/ping", "metrics": str(tmp_path)},
            }
        )
    )
    return settings.read(str(file))


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    (tmp_path / "run").mkdir()
    return Memory(str(tmp_path), "shop", str(tmp_path / "run"))


@pytest.fixture
def told(server: Server, wanted: Settings, memory: Memory) -> Callable[[], list[str]]:
    """Do a round. Return what it told: paths with the levels of the events."""

    def run() -> list[str]:
        server.taken.clear()
        main.check(wanted, memory)
        return [
            f"{path} {' '.join(event['level'] for event in json.loads(body)['events'])}" if path == "/hook" else path
            for path, _, body in server.taken
        ]

    return run


def test_an_alarm_comes_once_and_its_recovery_too(found: Found, told: Callable[[], list[str]]) -> None:
    assert told() == ["/ping"]
    found["problems"] = [DOWN]
    assert told() == ["/ping"]
    assert told() == ["/hook problem", "/ping/fail"]
    assert told() == ["/ping/fail"]
    found["problems"] = []
    assert told() == ["/ping/fail"]
    assert told() == ["/ping/fail"]
    assert told() == ["/hook recovered", "/ping"]
    assert told() == ["/ping"]


def test_a_reboot_tells_nothing_again(
    found: Found, told: Callable[[], list[str]], memory: Memory, tmp_path: Path
) -> None:
    found["problems"] = [DOWN]
    told()
    assert "/hook problem" in told()
    (tmp_path / "run/landfall-alarms-shop.json").unlink()
    assert told() == ["/ping/fail"]


def test_a_full_disk_tells_nothing_again(
    found: Found, told: Callable[[], list[str]], memory: Memory, tmp_path: Path
) -> None:
    memory.files = (memory.files[0], tmp_path / "missing" / "state.json")
    found["problems"] = [DOWN]
    told()
    assert "/hook problem" in told()
    assert told() == ["/ping/fail"]


def test_what_was_not_delivered_is_delivered_later(
    found: Found, told: Callable[[], list[str]], server: Server, memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    found["problems"] = [DOWN]
    told()
    server.status = 503
    told()
    assert list(memory.read().undelivered) == ["url", "ping"]
    assert server.url not in "".join(capsys.readouterr())
    server.status = 200
    assert told() == ["/hook problem", "/ping/fail"]
    assert memory.read().waiting == {"url": []}


def test_the_exit_code_says_whether_somebody_was_told(
    found: Found, wanted: Settings, server: Server, memory: Memory
) -> None:
    assert main.check(wanted, memory) == 0
    server.status = 500
    assert main.check(wanted, memory) == 1


def test_during_a_release_nothing_is_checked(
    found: Found, told: Callable[[], list[str]], wanted: Settings, memory: Memory, tmp_path: Path
) -> None:
    found["problems"] = [replace(DOWN, severe=True)]
    with lock.held(tmp_path / ".lock", "a release", patience=0):
        assert told() == ["/ping"]
        assert told() == ["/ping"]
        # One that hangs hides nothing for ever.
        remembered = memory.read()
        remembered.paused -= 3601
        memory.save(remembered)
        assert told() == ["/hook severe", "/ping/fail"]
    assert memory.read().paused > 0
    told()
    assert memory.read().paused == 0


@pytest.mark.parametrize(
    ("uptime", "now", "paused"),
    [
        pytest.param(299, 5000, True, id="the host has just started"),
        pytest.param(300, 1299, True, id="the alarms are new"),
        pytest.param(300, 1300, False, id="all is settled"),
        pytest.param(300, 900, False, id="the clock was set back"),
    ],
)
def test_what_has_just_started_is_not_checked(uptime: float, now: float, paused: bool) -> None:
    assert main.is_paused(State(began=1000), under_way=False, uptime=uptime, now=now) == paused


def test_the_first_round_is_remembered() -> None:
    present = State()
    assert main.is_paused(present, under_way=False, uptime=9999, now=1000)
    assert present.began == 1000


def test_the_files_are_for_root_but_the_metrics_are_for_everybody(
    found: Found, told: Callable[[], list[str]], tmp_path: Path
) -> None:
    found["problems"] = [DOWN]
    told()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*.*") if path.is_file()}
    del modes["settings.json"]
    assert modes == {"landfall-alarms-shop.json": 0o600, "state.json": 0o600, "landfall-shop.prom": 0o644}
    text = (tmp_path / "landfall-shop.prom").read_text()
    assert 'landfall_problem{stack="shop",check="services",subject="web"} 1\n' in text
    assert 'landfall_site_up{stack="shop",domain="shop.example.com"} 1\n' in text


def test_a_state_that_cannot_be_read_is_started_again(
    memory: Memory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.save(State(problems={"a/b": Known("b: c.", "1")}))
    memory.files[0].write_text("{")
    assert list(memory.read().problems) == ["a/b"]
    memory.files[1].write_text("{}")
    assert memory.read() == State()
    assert "state.json" in capsys.readouterr().err


def test_a_test_goes_to_every_channel_and_changes_no_state(
    wanted: Settings, server: Server, memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.test(wanted) == 0
    assert [path for path, _, _ in server.taken] == ["/hook"]
    assert "url: delivered" in capsys.readouterr().out
    server.status = 500
    assert main.test(wanted) == 1
    assert memory.read() == State()


def test_a_channel_that_is_new_is_told_nothing_old(wanted: Settings, memory: Memory) -> None:
    event = Event("a/b", "problem", "b: c.", "1", "1")
    assert main.state.queued({"email": [event]}, [channel.name for channel in wanted.channels], []) == {"url": []}


def test_each_url_of_apprise_is_a_channel_without_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    alarms = {"apprise": ["tgram://secret/1", "ntfys://other"], "command": "tell", "email": None, "queue_tasks": 5}
    stack = {"stack": "a", "root": "/a", "https_port": "8443"}
    file.write_text(json.dumps({"stack": stack, "redis": False, "alarms": alarms}))
    read = settings.read(str(file))
    assert [channel.kind for channel in read.channels] == ["command", "apprise", "apprise"]
    assert len({channel.name for channel in read.channels}) == 3
    assert "secret" not in " ".join(channel.name for channel in read.channels)
    assert (read.queue_tasks, read.queue_minutes, read.ping) == (5, 15, "")
    assert read.stack.https_port == 8443
    alone = {**alarms, "apprise": "tgram://secret/1"}
    file.write_text(json.dumps({"stack": stack, "redis": False, "alarms": alone}))
    assert settings.read(str(file)).channels[1] == read.channels[1]


def test_the_program_runs_on_a_host_without_ansible(tmp_path: Path) -> None:
    file = tmp_path / "alarms"
    file.write_text(_program.installed("_alarms.main", {}))
    file.chmod(0o755)
    ran = subprocess.run([file, "tell"], capture_output=True, text=True, check=False, cwd="/", env={})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "check|test" in ran.stderr


def test_what_was_written_is_removed_with_the_alarms(
    found: Found, told: Callable[[], list[str]], wanted: Settings, memory: Memory, tmp_path: Path
) -> None:
    told()
    assert main.forget(wanted, memory) == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["settings.json"]
    assert main.forget(wanted, memory) == 0
