# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import resource

import pytest
from ansible_collections.landfall.django.plugins.module_utils._static import forget, publish


@pytest.fixture
def served(tmp_path):
    return tmp_path / "served"


@pytest.fixture
def collected(tmp_path):
    def collect(release, **files):
        for name, content in files.items():
            path = tmp_path / "static" / release / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path / "static" / release

    return collect


def content(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}


def test_a_page_of_the_former_release_still_finds_its_files(collected, served):
    publish(collected("one", css__a_css="1", logo_svg="old"), served)
    publish(collected("two", css__b_css="2", logo_svg="new"), served)
    assert content(served) == {"css/a.css": "1", "css/b.css": "2", "logo.svg": "new"}


def test_what_no_kept_release_has_goes(collected, served, tmp_path):
    publish(collected("one", a_css="1", both_css="0"), served)
    publish(collected("two", b_css="2", both_css="0"), served)
    forget(tmp_path / "static", ["two"], served)
    assert content(served) == {"b.css": "2", "both.css": "0"}
    assert [folder.name for folder in (tmp_path / "static").iterdir()] == ["two"]


def test_an_unchanged_file_is_not_touched(collected, served):
    publish(collected("one", a_css="1"), served)
    before = (served / "a.css").stat()
    publish(collected("two", a_css="1"), served)
    assert (served / "a.css").stat().st_ino == before.st_ino


def test_published_files_can_be_read_by_everybody(collected, served):
    folder = collected("one", a_css="1")
    (folder / "a.css").chmod(0o600)
    publish(folder, served)
    assert (served / "a.css").stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_written_leaves_nothing_behind(collected, served):
    release = collected("one", a_css="too much for it")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, most))
    try:
        with pytest.raises(OSError, match="too large"):
            publish(release, served)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert not list(served.iterdir())
