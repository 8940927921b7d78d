# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What changes its owner along with a folder, and what does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files import owner, walk

FORMER, NEW = 47110, 47111

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")


@pytest.fixture
def of_container(planted: Path) -> Path:
    for path in (planted, *planted.rglob("*")):
        os.chown(path, FORMER, FORMER, follow_symlinks=False)
    return planted


def test_the_projects_own_changes_hands_and_nothing_that_it_leads_to(of_container: Path, secret: Path) -> None:
    left = owner.hand_over(of_container, NEW, NEW, 0o750)
    assert {of_container.stat().st_uid, (of_container / "css/site.css").stat().st_uid} == {NEW}
    assert of_container.stat().st_mode & 0o777 == 0o750
    assert (secret.stat().st_uid, secret.parent.stat().st_uid) == (0, 0)
    assert any("'shadow'" in what for what in left)
    assert any("'fifo'" in what for what in left)
    assert owner.hand_over(of_container, NEW, NEW, 0o750) == []


def test_a_file_with_another_name_stays_its_owners(of_container: Path, secret: Path) -> None:
    (of_container / "innocent").hardlink_to(secret)
    (of_container / "css" / "again.css").hardlink_to(of_container / "css" / "site.css")
    left = owner.hand_over(of_container, NEW, NEW, 0o755)
    assert secret.stat().st_uid == 0
    assert (of_container / "css" / "again.css").stat().st_uid == NEW
    assert any("'innocent'" in what for what in left)


def test_nor_does_it_of_a_folder_that_root_made(planted: Path, secret: Path) -> None:
    (planted / "innocent").hardlink_to(secret)
    owner.hand_over(planted, NEW, NEW, 0o755)
    assert secret.stat().st_uid == 0
    assert (planted / "css/site.css").stat().st_uid == NEW


def test_what_was_looked_at_is_what_changes_hands(
    of_container: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(top: int) -> Iterator[walk.Item]:
        for item in walk.walk(top):
            if item.name == "site.css":
                (of_container / "css/site.css").rename(of_container / "css/former.css")
                (of_container / "css/site.css").hardlink_to(secret)
            yield item

    monkeypatch.setattr(owner, "walk", swapped)
    owner.hand_over(of_container, NEW, NEW, 0o755)
    assert secret.stat().st_uid == 0
    assert (of_container / "css/former.css").stat().st_uid == NEW


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "media").symlink_to(secret.parent)
    with pytest.raises(NotADirectoryError):
        owner.hand_over(tmp_path / "media", NEW, NEW, 0o755)
    assert secret.parent.stat().st_uid == 0
