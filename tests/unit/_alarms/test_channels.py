# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import email
import json
import sys
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._alarms import channels
from ansible_collections.landfall.django.plugins.module_utils._alarms.channels import Message
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Channel
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Event

from tests.unit._alarms.servers import Server

DOWN = Event("services/web", "problem", "web: it is down.", "10:00", "10:01")
FULL = Event("disk/disk /", "severe", "disk /: 96 % is in use.", "10:00", "10:00")
UP = Event("services/web", "recovered", "web: it is down.", "10:00", "10:09")
MESSAGE = Message("shop", "vps1", [DOWN])


@pytest.mark.parametrize(
    ("events", "title", "kind"),
    [
        ([DOWN], "shop on vps1: 1 problem", "warning"),
        ([DOWN, FULL], "shop on vps1: 2 problems", "failure"),
        ([UP], "shop on vps1: 1 recovered", "success"),
        ([DOWN, UP], "shop on vps1: 1 problem, 1 recovered", "warning"),
    ],
)
def test_the_title_says_how_bad_it_is(events: list[Event], title: str, kind: str) -> None:
    message = Message("shop", "vps1", events)
    assert (message.title, message.kind) == (title, kind)
    assert len(message.text.splitlines()) == len(events)


def test_a_url_is_sent_all_events_as_json(server: Server) -> None:
    message = Message("shop", "vps1", [FULL, UP])
    assert channels.deliver(Channel("url", "url", f"{server.url}/hook"), message) == ""
    ((path, headers, body),) = server.taken
    assert (path, headers["Content-Type"]) == ("/hook", "application/json")
    data = json.loads(body)
    assert (data["stack"], data["host"]) == ("shop", "vps1")
    assert [(event["id"], event["level"]) for event in data["events"]] == [(FULL.id, "severe"), (UP.id, "recovered")]
    assert FULL.sentence in data["text"]


def test_a_letter_names_nobody_in_an_argument() -> None:
    letter = email.message_from_bytes(channels.mail("ops@example.com", Message("shop", "vps1", [DOWN])))
    assert (letter["To"], letter["Subject"]) == ("ops@example.com", "shop on vps1: 1 problem")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert DOWN.sentence in letter.get_payload()


def test_sendmail_gets_the_letter_on_its_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, taken = tmp_path / "sendmail", tmp_path / "taken"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(taken)!r}, 'w').write(' '.join(sys.argv[1:]) + sys.stdin.read())\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(channels, "_SENDMAIL", str(program))
    assert channels.deliver(Channel("email", "email", "ops@example.com"), MESSAGE) == ""
    assert taken.read_text().startswith("-t -iTo: ops@example.com")


def test_a_long_sentence_is_a_letter_too() -> None:
    long = Event("a/b", "problem", "b: " + "wörd " * 400, "1", "1")
    letter = email.message_from_bytes(channels.mail("ops@example.com", Message("shop", "vps1", [long])))
    assert "wörd" in letter.get_payload(decode=True).decode()


def test_a_command_gets_the_message_on_its_standard_input(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    script = f"import sys; open({str(taken)!r}, 'w').write(sys.stdin.read())"
    target = f'{sys.executable} -c "{script}"'
    assert channels.deliver(Channel("command", "command", target), MESSAGE) == ""
    assert json.loads(taken.read_text())["events"][0]["id"] == DOWN.id


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (f"{sys.executable} -c \"import sys; sys.exit('secret')\"", "code 1"),
        ("/nowhere/tell secret", "not installed"),
    ],
)
def test_a_command_that_fails_is_told_without_its_words_and_its_output(target: str, reason: str) -> None:
    problem = channels.deliver(Channel("command", "command", target), MESSAGE)
    assert reason in problem
    assert "secret" not in problem


def test_a_program_that_is_not_executable_is_a_failure_too(tmp_path: Path) -> None:
    (tmp_path / "tell").touch()
    assert channels.deliver(Channel("command", "command", str(tmp_path / "tell")), MESSAGE)


def test_apprise_reads_its_url_from_a_file_that_only_the_owner_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "apprise"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nfile = sys.argv[1].partition('=')[2]\n"
        "found = [sys.argv[1:], open(file).read(), oct(os.stat(file).st_mode), sys.stdin.read()]\n"
        f"open({str(tmp_path / 'taken')!r}, 'w').write(json.dumps(found))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(channels, "_MEMORY", str(tmp_path))
    assert channels.deliver(Channel("apprise-1", "apprise", "tgram://secret/1"), MESSAGE) == ""
    arguments, content, mode, body = json.loads((tmp_path / "taken").read_text())
    assert arguments[1:] == ["--title=shop on vps1: 1 problem", "--notification-type=warning"]
    assert "secret" not in " ".join(arguments)
    assert (content, mode[-3:], body) == ("tgram://secret/1\n", "600", MESSAGE.text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apprise", "taken"]


def test_what_a_channel_does_not_take_waits_and_nobody_is_told_twice(server: Server) -> None:
    both = [Channel("url", "url", server.url), Channel("command", "command", "/nowhere/tell")]
    waiting = {"url": [DOWN], "command": [DOWN]}
    saved: list[str] = []
    failed = channels.deliver_all(both, waiting, "shop", "vps1", taken=lambda: saved.append("saved"))
    assert list(failed) == ["command"]
    assert waiting == {"url": [], "command": [DOWN]}
    assert saved == ["saved"]
    channels.deliver_all(both, waiting, "shop", "vps1")
    assert len(server.taken) == 1


def test_a_url_that_refuses_is_tried_again(server: Server) -> None:
    server.status = 500
    waiting = {"url": [DOWN]}
    one = [Channel("url", "url", server.url)]
    assert "500" in channels.deliver_all(one, waiting, "shop", "vps1")["url"]
    assert waiting == {"url": [DOWN]}
    server.status = 200
    waiting["url"].append(UP)
    assert channels.deliver_all(one, waiting, "shop", "vps1") == {}
    assert [event["level"] for event in json.loads(server.taken[-1][2])["events"]] == ["problem", "recovered"]
