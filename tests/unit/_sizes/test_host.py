# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts about a host that a stack's sizes are for stay the same while the host does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._sizes import host

from rendered import rendered

FOUND = {"memory_mib": 3915, "cores": 2, "stacks": 3}


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ({"memory_mib": 3915, "cores": 2, "stacks": 1}, True),
        ({"memory_mib": 3907, "cores": 2, "stacks": 1}, True),
        ({"memory_mib": 3600, "cores": 2, "stacks": 1}, True),
        ({"memory_mib": 7941, "cores": 2, "stacks": 1}, False),
        ({"memory_mib": 1967, "cores": 2, "stacks": 1}, False),
        ({"memory_mib": 3915, "cores": 4, "stacks": 1}, False),
        ({}, False),
    ],
)
def test_only_another_host_changes_the_sizes(before: dict[str, int], kept: bool) -> None:
    assert host.settled(FOUND, before) == (before if kept else FOUND)


def test_a_neighbour_that_comes_later_changes_nothing(tmp_path: Path) -> None:
    for name in ("shop", "blog"):
        (tmp_path / name / "releases").mkdir(parents=True)
    # The front, and something else.
    (tmp_path / "nginx" / "conf.d").mkdir(parents=True)
    first = host.look(str(tmp_path / "shop"), "")
    assert first == {"memory_mib": host.memory_mib(), "cores": os.cpu_count(), "stacks": 2}
    compose = rendered(
        "stack", "templates/compose.yaml.j2", {"__stack_preflight": {"engine": "29", "sized_for": first}}
    )
    (tmp_path / "third" / "releases").mkdir(parents=True)
    assert host.look(str(tmp_path / "shop"), compose) == first
    assert host.look(str(tmp_path / "shop"), "")["stacks"] == 3
    assert host.look(str(tmp_path / "new"), "")["stacks"] == 4


def test_the_sizes_in_force_are_read_from_the_compose_file() -> None:
    found = host.recorded(rendered("stack", "templates/compose.yaml.j2", {"stack_sizes": {"web_workers": 3}}))
    assert (found["web_workers"], found["stacks"]) == (3, 1)
    assert host.recorded("name: shop\n") == {}
