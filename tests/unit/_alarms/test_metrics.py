# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils import _alarms, _status
from ansible_collections.landfall.django.plugins.module_utils._alarms import metrics
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Problem
from ansible_collections.landfall.django.plugins.module_utils._status.look import Measure


def test_the_text_is_what_prometheus_reads() -> None:
    found = [
        Measure("queue_tasks", 3, {"queue": 'a"b\\c\nd'}),
        Measure("certificate_expiry_timestamp_seconds", 1800000000.0, {"domain": "shop.example.com"}),
        Measure("queue_tasks", 0.25, {"queue": "mail"}),
    ]
    assert metrics.text("shop", found) == (
        "# HELP landfall_queue_tasks Tasks that wait in a queue of Celery.\n"
        "# TYPE landfall_queue_tasks gauge\n"
        'landfall_queue_tasks{stack="shop",queue="a\\"b\\\\c\\nd"} 3\n'
        'landfall_queue_tasks{stack="shop",queue="mail"} 0.25\n'
        "# HELP landfall_certificate_expiry_timestamp_seconds When the certificate that visitors get expires.\n"
        "# TYPE landfall_certificate_expiry_timestamp_seconds gauge\n"
        'landfall_certificate_expiry_timestamp_seconds{stack="shop",domain="shop.example.com"} 1800000000\n'
    )


def test_the_alarms_measure_themselves() -> None:
    problems = [Problem("disk", "disk /", "disk /: full.", severe=True)]
    found = metrics.measures(problems, {"disk": True, "site": False}, {"url": 2}, 7.0)
    assert [(one.name, one.value) for one in found] == [
        ("problem", 2),
        ("check_success", 1),
        ("check_success", 0),
        ("alarms_waiting", 2),
        ("last_check_timestamp_seconds", 7.0),
    ]


@pytest.mark.parametrize("number", [100000000, 0])
def test_a_number_keeps_its_zeros(number: int) -> None:
    assert metrics.text("shop", [Measure("queue_tasks", number)]).endswith(f" {number}\n")


def test_every_measure_has_a_text() -> None:
    used = set()
    for package in (_alarms, _status):
        for path in Path(next(iter(package.__path__))).glob("*.py"):
            used |= set(re.findall(r'Measure\(\s*"(\w+)"', path.read_text()))
    assert used == set(metrics.HELP)
    # Conventions of Prometheus: the unit at the end, `_total` for counters only.
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) and not name.endswith("_total") for name in metrics.HELP)
