# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The metrics of a stack for the textfile collector of Prometheus' node_exporter. Pure functions.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Problem
from ansible_collections.landfall.django.plugins.module_utils._status.look import Measure

# Prometheus refuses a metric that has two texts, so all stacks of a host must have the same.
HELP = {
    "containers_wanted": "Containers that a service should have.",
    "containers_healthy": "Containers of a service that run and are healthy.",
    "certificate_expiry_timestamp_seconds": "When the certificate that visitors get expires.",
    "site_up": "Whether the site's health page answers through Nginx.",
    "release_serving": "Number of the release that serves.",
    "filesystem_used_ratio": "Used share of the file system of a folder.",
    "memory_available_ratio": "Share of the host's memory that programs can still have.",
    "queue_tasks": "Tasks that wait in a queue of Celery.",
    "queue_oldest_task_age_seconds": "Time for which the oldest task of a queue has waited at least.",
    "problem": "A problem that the last checks saw; 2 if it is severe.",
    "check_success": "Whether a check could run.",
    "alarms_waiting": "Messages that a channel has not taken yet.",
    "last_check_timestamp_seconds": "When the checks ran last.",
}


def measures(
    problems: Iterable[Problem], ran: Mapping[str, bool], waiting: Mapping[str, int], now: float
) -> list[Measure]:
    """Return what is measured of the alarms themselves."""
    return [
        *(Measure("problem", 1 + one.severe, {"check": one.check, "subject": one.subject}) for one in problems),
        *(Measure("check_success", could, {"check": check}) for check, could in ran.items()),
        *(Measure("alarms_waiting", count, {"channel": channel}) for channel, count in waiting.items()),
        Measure("last_check_timestamp_seconds", now),
    ]


def text(stack: str, found: Iterable[Measure]) -> str:
    """Return the content of the file."""
    by_name: dict[str, list[Measure]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    lines = []
    for name, all_ in by_name.items():
        lines += [f"# HELP landfall_{name} {HELP[name]}", f"# TYPE landfall_{name} gauge"]
        lines += [f"landfall_{name}{{{_labels({'stack': stack, **one.labels})}}} {_number(one.value)}" for one in all_]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
