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


def test_each_suite_can_have_a_name_of_its_own() -> None:
    text = "# base: sid trixie\n# tag: postgres:18 postgres:17\n# official: postgres:18 postgres:17\nFROM x\n"
    made = images.parse(FOLDER, text)
    assert [(image.suite, image.tag, image.official, image.version) for image in made] == [
        ("sid", "postgres:18", "postgres:18", "18"),
        ("trixie", "postgres:17", "postgres:17", "17"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        "# base: sid\n# tag: postgres:18 postgres:17",
        "# base: sid trixie\n# tag: postgres:18 postgres:17\n# official: postgres:18",
        "# when: never",
    ],
)
def test_comments_that_do_not_fit_are_refused(head: str) -> None:
    with pytest.raises(LabError, match=r"thing/Dockerfile"):
        images.parse(FOLDER, f"{head}\nFROM x\n")


def test_images_of_databases_are_only_made_for_hosts_that_list_them() -> None:
    usual = {image.tag for image in images.needed({"trixie"}, set())}
    assert {"mysql:9.7", "redis:8", "landfall-lab/vps:trixie"} <= usual
    assert not {"postgres:18", "mariadb:11.8", "landfall-lab/vps:bookworm"} & usual
    listed = {image.tag for image in images.needed({"trixie"}, {"postgres:18", "mysql:9.7"})}
    assert listed == usual | {"postgres:18"}


def test_an_image_that_the_lab_cannot_make_is_refused() -> None:
    with pytest.raises(LabError, match=r"lab_images.*postgres:9"):
        images.needed(set(), {"postgres:9"})


def test_an_image_is_built_with_its_shared_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, folder = tmp_path / "shared", tmp_path / "thing"
    for place in (shared, folder):
        place.mkdir()
    (shared / "first-run.sh").write_text("one")
    (folder / "Dockerfile").write_text("# with: first-run.sh\nFROM x\n")
    monkeypatch.setattr(images, "SHARED", shared)
    built: list[tuple[list[str], str, dict[str, str]]] = []

    def build(context: Path, _name: str, inputs: str, arguments: dict[str, str]) -> None:
        built.append((sorted(file.name for file in context.iterdir()), inputs, arguments))

    monkeypatch.setattr(docker, "build", build)
    monkeypatch.setattr(docker, "inspect", lambda *_words: "id")
    [image] = images.parse(folder, (folder / "Dockerfile").read_text())
    images._build(image)
    (shared / "first-run.sh").write_text("two")
    images._build(image)
    assert [names for names, _inputs, _arguments in built] == [["Dockerfile", "first-run.sh"]] * 2
    assert built[0][1] != built[1][1]


def test_every_image_finds_its_shared_files() -> None:
    for image in images.catalogue():
        assert all((images.SHARED / name).is_file() for name in image.shared), image.tag


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
