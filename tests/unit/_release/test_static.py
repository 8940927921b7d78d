# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import gzip
import os
import random
import resource

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files.walk import walk
from ansible_collections.landfall.django.plugins.module_utils._release import static as _static
from ansible_collections.landfall.django.plugins.module_utils._release.static import publish, remove_unused, warning


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
    remove_unused(tmp_path / "static", ["two"], served)
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


def gz(folder):
    return {path.name: gzip.decompress(path.read_bytes()).decode() for path in folder.rglob("*.gz")}


def test_what_shrinks_is_compressed_once(collected, served, monkeypatch):
    text = "a { color: red }\n" * 100
    files = {"css__a_css": text, "small_css": "a", "photo_jpg": text}
    release = collected("one", **files)
    (release / "noise.wasm").write_bytes(random.Random(1).randbytes(2000))
    publish(release, served)
    assert gz(served) == {"a.css.gz": text}
    made = (served / "css/a.css.gz").stat()
    assert made.st_mode & 0o777 == 0o644
    monkeypatch.setattr(_static.gzip, "compress", lambda plain, mtime: pytest.fail("again"))
    publish(collected("two", **files), served)
    assert (served / "css/a.css.gz").stat().st_ino == made.st_ino


def test_a_compressed_file_is_never_that_of_another_content(collected, served, monkeypatch):
    publish(collected("one", a_css="1" * 2000), served)
    release = collected("two", a_css="2" * 2000)
    with monkeypatch.context() as patched:
        patched.setattr(_static.gzip, "compress", lambda plain, mtime: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish(release, served)
    assert (content(served), gz(served)) == ({"a.css": "2" * 2000}, {})
    publish(release, served)
    assert gz(served) == {"a.css.gz": "2" * 2000}


def test_a_compressed_file_goes_with_its_original(collected, served, tmp_path, listed):
    publish(collected("one", a_css="1" * 2000, b_css="1" * 2000), served)
    publish(collected("two", b_css="1" * 2000), served)
    remove_unused(tmp_path / "static", ["two"], served)
    assert listed(served) == ["b.css", "b.css.gz"]


def test_what_the_project_compressed_itself_is_served(collected, served, secret):
    own = gzip.compress(b"its own", mtime=1)
    for release, text in (("one", "1"), ("two", "2")):
        (collected(release, a_css=text * 2000) / "a.css.gz").write_bytes(own)
        publish(served.parent / "static" / release, served)
        assert (served / "a.css.gz").read_bytes() == own
    # A link is not, and nothing is compressed in its place.
    (collected("three", a_css="3" * 2000) / "a.css.gz").symlink_to(secret)
    publish(served.parent / "static/three", served)
    assert not (served / "a.css.gz").exists()


def test_a_folder_with_the_name_of_a_compressed_file_stays(collected, served):
    publish(collected("one", a_css="1" * 2000, a_css_gz__b_css="b"), served)
    publish(collected("two", a_css="2" * 2000), served)
    assert (served / "a.css.gz/b.css").read_text() == "b"


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


def test_only_regular_files_are_published_and_the_rest_is_named(planted, served, secret):
    left_out = publish(planted, served)
    assert [path.name for path in served.rglob("*") if not path.is_dir()] == ["site.css"]
    assert (served / "css/site.css").read_text() == "honest"
    for name in ("shadow", "host", "css/up", "css/copy.css", "loop", "fifo", "socket"):
        assert any(f"'{name}'" in what for what in left_out), name
    assert "and" in warning(left_out)
    assert secret.read_text() not in warning(left_out)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("owner", [0, 47110])
def test_another_name_of_somebody_elses_file_is_not_published(collected, served, secret, owner):
    release = collected("one", a_css="1")
    os.chown(release, owner, owner)
    (release / "innocent.css").hardlink_to(secret)
    assert any("'innocent.css'" in what for what in publish(release, served))
    assert not (served / "innocent.css").exists()


def test_what_is_published_is_no_second_name_of_what_the_project_has(collected, served):
    release = collected("one", a_css="1")
    publish(release, served)
    (release / "a.css").write_text("changed afterwards")
    assert (served / "a.css").read_text() == "1"
    assert (served / "a.css").stat().st_nlink == 1


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(collected, served, secret, monkeypatch):
    release = collected("one", css__a_css="1")

    def swapped(top, *given):
        for item in walk(top, *given):
            if item.is_file:
                (release / "css/a.css").unlink()
                (release / "css/a.css").symlink_to(secret)
            yield item

    monkeypatch.setattr(_static, "walk", swapped)
    publish(release, served)
    assert (served / "css/a.css").read_text() == "1"


def test_a_link_among_the_served_files_is_replaced_and_never_written_through(collected, served, secret):
    before = secret.read_text()
    served.mkdir()
    (served / "a.css").symlink_to(secret)
    publish(collected("one", a_css="1"), served)
    assert ((served / "a.css").read_text(), (served / "a.css").is_symlink()) == ("1", False)
    (served / "css").symlink_to(secret.parent)
    with pytest.raises(NotADirectoryError, match="css"):
        publish(collected("two", css__shadow="2"), served)
    assert secret.read_text() == before


@pytest.mark.parametrize(("first", "second"), [("app", "app__a_css"), ("app__a_css", "app")])
def test_a_folder_and_a_file_of_one_name_are_told_apart(collected, served, first, second):
    publish(collected("one", **{first: "1"}), served)
    with pytest.raises(OSError, match="static file 'app"):
        publish(collected("two", **{second: "2"}), served)


def test_any_name_is_published_and_forgotten(collected, served, tmp_path, listed):
    release = collected("one", a_css="1")
    odd = ["n" * 255, f"{'n' * 251}.css", b"\xff\xfe.css".decode("utf-8", "surrogateescape"), "new\nline\x1b[2J.css"]
    for name in odd:
        (release / name).write_text("odd" * 1000)
    (release / "link\n\x1b[2J").symlink_to("a.css")
    left_out = publish(release, served)
    publish(release, served)
    assert set(odd) <= set(listed(served))
    assert warning(left_out).isprintable()
    remove_unused(tmp_path / "static", [], served)
    assert listed(served) == listed(tmp_path / "static") == []


def test_a_tree_without_end_is_neither_published_nor_kept(collected, served, tmp_path, dig):
    release = collected("one", a_css="1")
    dig(release, 1500)
    assert len(publish(release, served)) == 1
    remove_unused(tmp_path / "static", ["two"], served)
    assert not release.exists()


def test_folders_can_be_entered_by_everybody(collected, served):
    before = os.umask(0o077)
    try:
        publish(collected("one", css__a_css="1"), served)
    finally:
        os.umask(before)
    assert (served / "css").stat().st_mode & 0o777 == 0o755


def test_a_link_among_the_releases_goes_without_what_it_leads_to(collected, served, tmp_path, listed, secret):
    collected("two", a_css="1")
    (tmp_path / "static/one").symlink_to(secret.parent)
    remove_unused(tmp_path / "static", ["two"], served)
    assert listed(tmp_path / "static") == ["two"]
    assert secret.exists()
