# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove


def test_everything_in_it_goes_and_nothing_that_it_leads_to(planted: Path, secret: Path) -> None:
    (planted / b"\xff".decode("utf-8", "surrogateescape")).touch()
    (planted / ("n" * 255)).mkdir()
    remove(planted)
    assert not planted.exists()
    assert secret.exists()


@pytest.mark.parametrize("path", ["top", "top/"])
def test_of_a_link_only_the_link_goes(tmp_path: Path, planted: Path, path: str) -> None:
    (tmp_path / "top").symlink_to(planted)
    remove(f"{tmp_path}/{path}")
    assert not (tmp_path / "top").is_symlink()
    assert (planted / "css" / "site.css").exists()


def test_what_is_not_there_need_not_be_removed(tmp_path: Path) -> None:
    remove(tmp_path / "nothing")
    remove(tmp_path / "nothing" / "below")


def test_however_deep(tmp_path: Path, dig: Callable[[Path, int], None]) -> None:
    (tmp_path / "top").mkdir()
    dig(tmp_path / "top", 3000)
    remove(tmp_path / "top")
    assert not (tmp_path / "top").exists()


def test_a_folder_that_becomes_a_link_meanwhile_is_not_entered(
    planted: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = os.open

    def swap(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "css":
            (planted / "css").rename(planted / "former")
            (planted / "css").symlink_to(secret.parent)
        return opening(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    remove(planted)
    assert not planted.exists()
    assert secret.exists()
