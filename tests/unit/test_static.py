# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os

import pytest
from ansible_collections.landfall.django.plugins.module_utils._static import publish, releases


@pytest.fixture
def collected(tmp_path):
    def collect(release, **files):
        for name, content in files.items():
            path = tmp_path / "static" / release / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path / "static"

    return collect


def test_a_page_of_the_former_release_still_finds_its_files(collected, tmp_path):
    src = collected("one", css__a_css="1", logo_svg="old")
    publish(src, "one", ["one"], tmp_path / "served")
    collected("two", css__b_css="2", logo_svg="new")
    assert publish(src, "two", ["two", "one"], tmp_path / "served") == ["css/b.css", "logo.svg"]
    served = {str(p.relative_to(tmp_path / "served")): p.read_text() for p in (tmp_path / "served").rglob("*.*")}
    assert served == {"css/a.css": "1", "css/b.css": "2", "logo.svg": "new"}


def test_what_no_kept_release_has_goes(collected, tmp_path):
    src = collected("one", a_css="1")
    publish(src, "one", ["one"], tmp_path / "served")
    collected("two", b_css="2")
    assert publish(src, "two", ["two"], tmp_path / "served") == ["b.css", "a.css"]
    assert not (tmp_path / "served" / "a.css").exists()


def test_nothing_changes_the_second_time(collected, tmp_path):
    src = collected("one", a_css="1")
    publish(src, "one", ["one"], tmp_path / "served")
    assert publish(src, "one", ["one"], tmp_path / "served") == []


def test_published_files_can_be_read_by_everybody(collected, tmp_path):
    src = collected("one", a_css="1")
    (src / "one" / "a.css").chmod(0o600)
    publish(src, "one", ["one"], tmp_path / "served")
    assert (tmp_path / "served" / "a.css").stat().st_mode & 0o777 == 0o644


def test_the_newest_release_and_the_latest_others_are_kept(collected):
    for age, name in enumerate(["new", "second", "third", "fourth"]):
        src = collected(name, a_css="1")
        os.utime(src / name, (1000 - age, 1000 - age))
    assert releases(src, "third", 2) == (["third", "new"], ["second", "fourth"])
