# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files import beneath


@pytest.fixture
def project(planted: Path) -> Path:
    (planted / "docker").mkdir()
    (planted / "docker" / "Dockerfile").write_text("FROM scratch")
    return planted


def read(project: Path, name: str, limit: int = 100) -> bytes | None:
    return beneath.read(str(project), name, limit)


def test_files_and_links_within_the_project_are_read(project: Path) -> None:
    (project / "Dockerfile").symlink_to("docker/Dockerfile")
    (project / "deploy").symlink_to("css/../docker/")
    for name in ("Dockerfile", "docker/Dockerfile", "./deploy//Dockerfile", "deploy/../docker/Dockerfile"):
        assert read(project, name) == b"FROM scratch"


@pytest.mark.parametrize("name", ["nothing", "nothing/below", "docker", "docker/Dockerfile/below"])
def test_what_is_no_file_is_not_there(project: Path, name: str) -> None:
    assert read(project, name) is None


@pytest.mark.parametrize(
    "name", ["shadow", "css/up", "host/shadow", "loop", "../host/shadow", "css/../../host/shadow", "fifo", "socket"]
)
def test_the_rest_is_refused_by_name(project: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name.rpartition("/")[2]):
        read(project, name)


def test_neither_an_absolute_name_nor_a_link_to_nowhere_is_taken(project: Path, secret: Path) -> None:
    (project / "dangling").symlink_to("gone")
    for name in (str(secret), "dangling"):
        with pytest.raises(ValueError, match=name):
            read(project, name)


def test_a_file_larger_than_it_may_be_is_refused(project: Path) -> None:
    assert read(project, "docker/Dockerfile", 12) == b"FROM scratch"
    with pytest.raises(ValueError, match="docker/Dockerfile"):
        read(project, "docker/Dockerfile", 11)


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere_else(
    project: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (secret.parent / "Dockerfile").write_text("host's")
    opening = os.open

    def swap(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "Dockerfile":
            (project / "docker").rename(project / "former")
            (project / "docker").symlink_to(secret.parent)
        return opening(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    assert read(project, "docker/Dockerfile") == b"FROM scratch"
