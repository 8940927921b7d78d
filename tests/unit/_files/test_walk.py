# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files import walk

ROOT = 0


def seen(folder: Path) -> dict[str, str]:
    """What is in a folder, and why it is left alone."""
    with walk.opened(folder) as top:
        return {item.path: item.refusal(1) for item in walk.walk(top)}


def test_only_regular_files_and_folders_are_taken(planted: Path) -> None:
    found = seen(planted)
    assert {path for path, refusal in found.items() if not refusal} == {"css", "css/site.css"}
    assert found["fifo"] == "a FIFO"
    assert found["shadow"] == found["host"] == found["loop"] == "a link"
    assert found.get("device", "a device") == "a device"


def test_a_top_that_is_a_link_is_refused(tmp_path: Path, planted: Path) -> None:
    (tmp_path / "top").symlink_to(planted)
    for name in ("top", "top/"):
        with pytest.raises(NotADirectoryError), walk.opened(f"{tmp_path}/{name}"):
            pass


def test_a_folder_that_becomes_a_link_after_it_was_listed_is_not_entered(
    planted: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = os.open

    def swap(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "css" and not (planted / "css").is_symlink():
            (planted / "css").rename(planted / "former")
            (planted / "css").symlink_to(secret.parent)
        return opening(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    found = seen(planted)
    assert found["css"] == "a link"
    assert "css/shadow" not in found


def test_what_was_looked_at_is_what_is_read(planted: Path, secret: Path) -> None:
    with walk.opened(planted) as top:
        for item in walk.walk(top):
            place = planted / item.path
            if item.is_folder:
                place.rename(planted / "former")
                place.symlink_to(secret.parent)
            elif item.is_file:
                (planted / "former" / item.name).unlink()
                (planted / "former" / item.name).symlink_to(secret)
                with item.opened() as stream:
                    assert stream.read() == b"honest"
            assert "host" not in item.path or item.refusal(1)


@pytest.mark.parametrize(
    ("owner", "of_file", "refused"), [(1, 1, False), (1, ROOT, True), (1, 2, True), (ROOT, ROOT, True)]
)
def test_a_second_name_is_taken_from_the_owner_only(tmp_path: Path, owner: int, of_file: int, refused: bool) -> None:
    (tmp_path / "one").touch()
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    state = list((tmp_path / "one").stat())
    state[4] = of_file
    item = walk.Item("one", "one", -1, -1, os.stat_result(state))
    assert bool(item.refusal(owner)) == refused


def test_a_tree_deeper_than_a_path_is_told_and_not_entered(tmp_path: Path, dig: Callable[[Path, int], None]) -> None:
    dig(tmp_path, 1500)
    found = seen(tmp_path)
    assert len(found) == walk.DEPTH + 1
    assert [refusal for refusal in found.values() if refusal] == [f"below {walk.DEPTH} folders"]


def test_no_descriptor_stays_open(planted: Path, listed: Callable[[Path], list[str]]) -> None:
    before = listed(Path("/proc/self/fd"))
    seen(planted)
    assert listed(Path("/proc/self/fd")) == before
