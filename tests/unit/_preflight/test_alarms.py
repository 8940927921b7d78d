# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import alarms

from tests.unit.sentences import only


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"url": None, "queue_tasks": None},
        {"url": "https://hooks.example.com/services/a?b=c", "queue_tasks": 1},
        {"command": "/usr/local/bin/tell --to 'the team'", "email": "ops+shop@example.com"},
        {"apprise": ["tgram://token/chat", "ntfys://topic"], "ping": "https://ann:pass@hc.example.com:8000/ab-cd"},
        {"metrics": "/var/lib/prometheus/node-exporter", "url": None},
    ],
)
def test_what_is_right_gets_no_word(given: dict[str, Any] | None) -> None:
    assert list(alarms.problems_of({"stack_alarms": given})) == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"queue_tasks": 5}, "tells nobody"),
        ({"url": ""}, "tells nobody"),
        ({"url": "hooks.example.com/secret"}, "url: "),
        ({"url": "https://hooks.example.com/ secret"}, "url: "),
        ({"ping": "ftp://hc.example.com/secret"}, "ping: "),
        ({"email": "ops@example.com, secret@example.com"}, "email: "),
        ({"email": "ops@example.com\nBcc: secret@example.com"}, "email: "),
        ({"command": "tell secret"}, "command: "),
        ({"command": "/bin/tell 'secret"}, "command: "),
        ({"apprise": ["tgram://token/chat", "secret"]}, "apprise: "),
        ({"apprise": ["tgram://token/chat\nsecret://a"]}, "apprise: "),
        ({"metrics": "secret/metrics"}, "metrics: "),
        ({"email": "ops@example.com", "queue_minutes": 0}, "queue_minutes: "),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(given: dict[str, Any], named: str) -> None:
    sentence = only(list(alarms.problems_of({"stack_alarms": given})))
    assert sentence.startswith("stack_alarms: ")
    assert named in sentence
    assert "secret" not in sentence


def test_a_channel_needs_its_program_on_the_host() -> None:
    values = {"stack_alarms": {"email": "ops@example.com", "apprise": ["ntfys://topic"]}}
    assert alarms.programs(values) == ["sendmail", "apprise"]
    probe = {"programs": {"sendmail": True, "apprise": False}}
    assert "apprise: " in only(list(alarms.host_problems(values, probe)))
    assert list(alarms.host_problems({"stack_alarms": {"url": "https://example.com"}}, {})) == []
    assert alarms.programs({}) == []
