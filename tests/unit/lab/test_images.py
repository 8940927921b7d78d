from __future__ import annotations

from pathlib import Path

import pytest

from lab import docker, images
from lab.shell import LabError

FOLDER = Path("images/thing")


def test_a_stand_in_is_read_from_the_comments_of_its_dockerfile() -> None:
    text = "# base: sid\n# tag: mysql:9.7\n# official: mysql:9.7\nARG BASE\n# tag: other\nFROM ${BASE}\n"
    [image] = images.parse(FOLDER, text)
    assert (image.suite, image.tag, image.official) == ("sid", "mysql:9.7", "mysql:9.7")
    assert image.bases == {"sid"}


def test_an_image_without_comments_is_the_labs_own_on_trixie() -> None:
    [image] = images.parse(FOLDER, "FROM scratch\n")
    assert (image.suite, image.tag, image.official) == ("trixie", "landfall-lab/thing", None)


def test_several_suites_make_several_images() -> None:
    made = images.parse(FOLDER, "# base: trixie bookworm\nFROM x\n")
    assert [(image.tag, image.bases) for image in made] == [
        ("landfall-lab/thing:trixie", {"trixie"}),
        ("landfall-lab/thing:bookworm", {"bookworm"}),
    ]


def test_stages_on_further_bases_are_waited_for() -> None:
    [image] = images.parse(FOLDER, "# base: trixie\nARG BASE_OLD=landfall-lab/base:bookworm\nFROM ${BASE_OLD}\n")
    assert image.bases == {"trixie", "bookworm"}


def test_an_unknown_base_is_refused() -> None:
    with pytest.raises(LabError, match="no such base: potato"):
        images.parse(FOLDER, "# base: potato\nFROM x\n")


def test_the_digest_sees_content_path_mode_and_base(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    seen = {docker.digest(tmp_path, "base"), docker.digest(tmp_path, "other base")}
    file.write_text("y")
    seen.add(docker.digest(tmp_path, "base"))
    file.chmod(0o755)
    seen.add(docker.digest(tmp_path, "base"))
    file.rename(tmp_path / "b")
    seen.add(docker.digest(tmp_path, "base"))
    assert len(seen) == 5
    assert docker.digest(tmp_path, "base") in seen
