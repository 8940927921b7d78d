# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts get a swap file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import judge, swap

SMALL = swap.Host(memory_mib=957, free_mib=9000, file_system="ext4")
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@pytest.mark.parametrize(
    ("wanted", "change", "made"),
    [
        (1024, {}, True),
        (1024, {"file_system": "xfs"}, True),
        (0, {}, False),
        (1024, {"has_swap": True}, False),
        (1024, {"memory_mib": 1967}, False),
        (1024, {"memory_mib": 64300, "file_system": "btrfs"}, False),
    ],
)
def test_a_small_host_without_swap_gets_it_quietly(wanted: int, change: dict, made: bool) -> None:
    host = replace(SMALL, **change)
    assert swap.is_missing(wanted, host) is made
    assert swap.obstacle(wanted, host) == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"file_system": "btrfs"}, "btrfs"),
        ({"file_system": "zfs"}, "zfs"),
        ({"file_system": "overlay"}, "overlay"),
        ({"file_system": ""}, "unknown"),
        ({"free_mib": 4000}, "4000"),
    ],
)
def test_what_is_in_the_way_is_a_warning(change: dict, word: str) -> None:
    host = replace(SMALL, **change)
    assert not swap.is_missing(1024, host)
    wish = judge.Wish(swap_mib=1024)
    (sentence,) = judge.warnings(wish, judge.Found(swap=host))
    assert sentence.startswith("hardening_swap_mib: ")
    assert word in sentence
    assert "hardening_swap_mib: 0" in sentence


def test_a_container_has_the_swap_of_its_host() -> None:
    found = judge.Found(swap=replace(SMALL, file_system="overlay"), container=True)
    assert judge.warnings(judge.Wish(swap_mib=1024), found) == []
    assert not judge.lacks_swap(judge.Wish(swap_mib=1024), replace(found, swap=SMALL))
    assert judge.lacks_swap(judge.Wish(swap_mib=1024), replace(found, swap=SMALL, container=False))


def test_a_host_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n/dev/vda1 / ext4 rw 0 0\n")
    assert not swap.look(str(tmp_path)).has_swap
    (tmp_path / "swaps").write_text(SWAPS)
    found = swap.look(str(tmp_path))
    assert (found.file_system, found.has_swap) == ("ext4", False)
    assert min(found.memory_mib, found.free_mib) > 0
    (tmp_path / "swaps").write_text(SWAPS + "/swapfile file 1048572 0 -2\n")
    assert swap.look(str(tmp_path)).has_swap
    assert swap.root_file_system("") == ""
