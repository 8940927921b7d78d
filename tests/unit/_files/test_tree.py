# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import resource
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files import tree

OWN = {"owner": os.getuid(), "group": os.getgid()}


def entries(*given):
    return [tree.entry({**OWN, **one}) for one in given]


def bring(root, *given):
    """Apply entries; return the paths that changed, relative to the root."""
    found = tree.changes(str(root), entries(*given))
    tree.apply(found)
    return [os.path.relpath(change.path, root) for change in found]


def rights(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_everything_is_made_and_a_second_run_changes_nothing(tmp_path):
    root = tmp_path / "new"
    wanted = [
        {"path": "conf.d", "mode": "0750"},
        {"path": "conf.d/shop.conf", "content": "a\n", "mode": "0600"},
        {"path": "tls/shop", "target": "temporary/shop"},
    ]
    assert bring(root, *wanted) == ["conf.d", "conf.d/shop.conf", "tls/shop"]
    assert (root / "conf.d/shop.conf").read_text() == "a\n"
    assert (rights(root / "conf.d"), rights(root / "conf.d/shop.conf")) == (0o750, 0o600)
    assert str((root / "tls/shop").readlink()) == "temporary/shop"
    assert bring(root, *wanted) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"content": "a"}, {"content": "b"}),
        ({"content": "a"}, {"content": "a", "mode": "0600"}),
        ({"mode": "0755"}, {"mode": "0700"}),
        ({"target": "a"}, {"target": "b"}),
        ({"target": "a"}, {"content": "a"}),
        ({"content": "a"}, {"target": "a"}),
        ({"content": "a"}, {"state": "absent"}),
        ({"target": "nowhere"}, {"state": "absent"}),
    ],
)
def test_a_difference_is_seen_and_mended(tmp_path, before, after):
    bring(tmp_path, {"path": "it", **before})
    assert bring(tmp_path, {"path": "it", **after}) == ["it"]
    assert bring(tmp_path, {"path": "it", **after}) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(("recurse", "owner"), [(True, 4711), (False, 0)])
def test_a_folders_new_owner_gets_its_files_where_that_is_said(tmp_path, recurse, owner):
    (tmp_path / "media/2026").mkdir(parents=True)
    (tmp_path / "media/2026/note.txt").write_text("kept")
    bring(tmp_path, {"path": "media", "owner": 4711, "group": 4711, "recurse": recurse})
    assert (tmp_path / "media").stat().st_uid == 4711
    assert (tmp_path / "media/2026/note.txt").stat().st_uid == owner


@pytest.mark.parametrize("recurse", [True, False])
def test_a_folder_that_containers_own_is_never_reached_through_a_link(tmp_path, secret, recurse):
    (tmp_path / "media").symlink_to(secret.parent)
    if recurse:
        with pytest.raises(ValueError, match=str(tmp_path / "media")):
            bring(tmp_path, {"path": "media", "recurse": True})
    else:
        assert bring(tmp_path, {"path": "media"}) == []


def test_a_fifo_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "it")
    assert bring(tmp_path, {"path": "it", "content": "a"}) == ["it"]
    assert (tmp_path / "it").read_text() == "a"


def test_data_is_written_as_json(tmp_path):
    bring(tmp_path, {"path": "it", "content": {"b": [True], "a": 1}})
    assert (tmp_path / "it").read_text() == '{\n    "a": 1,\n    "b": [\n        true\n    ]\n}\n'


def test_what_is_to_be_kept_is_written_once(tmp_path):
    for content in ("first", "second"):
        bring(tmp_path, {"path": "it", "content": content, "keep": True})
    assert (tmp_path / "it").read_text() == "first"


def test_what_is_not_there_need_not_be_removed(tmp_path):
    assert bring(tmp_path, {"path": "it", "state": "absent"}) == []


def test_a_folder_may_be_reached_through_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "it").symlink_to("disk")
    assert bring(tmp_path, {"path": "it"}) == []


@pytest.mark.parametrize(
    ("there", "wanted"),
    [({}, {"content": "a"}), ({}, {"target": "a"}), ({}, {"state": "absent"}), ({"content": "a"}, {})],
)
def test_nothing_of_another_kind_is_thrown_away(tmp_path, there, wanted):
    bring(tmp_path, {"path": "it", **there})
    with pytest.raises(ValueError, match=str(tmp_path / "it")):
        bring(tmp_path, {"path": "it", **wanted})


def test_an_entry_is_one_thing_only():
    with pytest.raises(ValueError, match=r"^it: content and target"):
        entries({"path": "it", "content": "a", "target": "b"})
    with pytest.raises(ValueError, match=r"user or group.* nobody-of-this-name"):
        entries({"path": "it", "owner": "nobody-of-this-name"})


def test_a_reader_never_finds_half_a_file(tmp_path):
    bring(tmp_path, {"path": "it", "content": "former"})
    with (tmp_path / "it").open() as reader:
        bring(tmp_path, {"path": "it", "content": "newer and longer"})
        assert reader.read() == "former"
    assert [item.name for item in tmp_path.iterdir()] == ["it"]


def test_a_check_sees_the_set_as_it_would_be_and_the_root_stays(tmp_path):
    root, laid = tmp_path / "root", tmp_path / "laid"
    bring(
        root,
        {"path": "conf.d/other.conf", "content": "other"},
        {"path": "conf.d/shop.conf", "content": "former"},
        {"path": "conf.d/gone.conf", "content": "gone"},
        {"path": "conf.d/deeper/key", "content": "not to be copied"},
        {"path": "tls/shop", "target": "/etc/letsencrypt/live/shop"},
    )
    laid.mkdir()
    wanted = entries(
        {"path": "acme"},
        {"path": "main.conf", "content": "main"},
        {"path": "conf.d/shop.conf", "content": "newer"},
        {"path": "conf.d/gone.conf", "state": "absent"},
        {"path": "tls/shop", "target": "temporary/shop", "keep": True},
        {"path": "/etc/elsewhere", "content": "not below the root"},
    )
    tree.stage(str(root), wanted, ["conf.d", "tls", "not-there"], str(laid))
    assert sorted(str(path.relative_to(laid)) for path in laid.rglob("*")) == [
        *("acme", "conf.d", "conf.d/other.conf", "conf.d/shop.conf"),
        *("main.conf", "not-there", "tls", "tls/shop"),
    ]
    assert (laid / "conf.d/shop.conf").read_text() == "newer"
    assert str((laid / "tls/shop").readlink()) == "/etc/letsencrypt/live/shop"
    assert (root / "conf.d/shop.conf").read_text() == "former"


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, most))
    try:
        with pytest.raises(OSError, match="too large"):
            bring(tmp_path, {"path": "big", "content": "too much for it"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert not list(tmp_path.iterdir())
