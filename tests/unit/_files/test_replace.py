# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files.replace import link, replace


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "it").symlink_to("kept")
    replace(tmp_path / "it", b"new", 0o640)
    assert not (tmp_path / "it").is_symlink()
    assert ((tmp_path / "it").read_text(), (tmp_path / "kept").read_text()) == ("new", "kept")
    assert stat.S_IMODE((tmp_path / "it").stat().st_mode) == 0o640


def test_it_is_nobody_elses_to_read_before_it_has_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    fchown = os.fchown
    monkeypatch.setattr(
        os, "fchown", lambda file, *ids: (seen.append(stat.S_IMODE(os.fstat(file).st_mode)), fchown(file, *ids))
    )
    replace(tmp_path / "it", b"secret", 0o644)
    assert seen == [0o600]


def test_a_planted_name_beside_it_is_not_written_through(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = secret.read_bytes()
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    (tmp_path / ".guessed.new").symlink_to(secret)
    with pytest.raises(FileExistsError):
        replace(tmp_path / "it", b"overwritten", 0o644)
    assert secret.read_bytes() == before


def test_file_and_folder_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(stat.S_ISDIR(os.fstat(file).st_mode)))
    replace(tmp_path / "it", b"", 0o644)
    assert synced == [False, True]


def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    replace(tmp_path / "it", b"former", 0o644)
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        replace(tmp_path / "folder", b"", 0o644)
    with pytest.raises(IsADirectoryError):
        link(tmp_path / "folder", "it")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["folder", "it"]


@pytest.mark.parametrize("name", ["n" * 255, b"\xff\xfe".decode("utf-8", "surrogateescape")])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    replace(tmp_path / name, b"new", 0o644)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_is_replaced_in_one_step(tmp_path: Path) -> None:
    link(tmp_path / "it", "one")
    link(tmp_path / "it", "two")
    assert [str(path.readlink()) for path in tmp_path.iterdir()] == ["two"]
