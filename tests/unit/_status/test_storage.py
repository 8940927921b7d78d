# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._status import storage
from ansible_collections.landfall.django.plugins.module_utils._status.storage import Room

NO_MEDIA = ("/media", 0)


def test_enough_room_is_no_problem():
    assert storage.problems([Room(("/srv/shop",), 3072)], 3072, ("/media", 500), 500) == []


@pytest.mark.parametrize(
    ("room", "named"),
    [(Room(("/srv/shop", "/docker"), 3071), "stack_disk_free_minimum_mib"), (Room(("/docker",), 9999, 0.04), "files")],
)
def test_a_file_system_that_is_nearly_full_is_named_by_its_folders(room, named):
    (problem,) = storage.problems([room], 3072, NO_MEDIA, 0)
    assert ", ".join(room.folders) in problem
    assert named in problem


@pytest.mark.parametrize(("maximum", "count"), [(0, 0), (100, 0), (99, 1)])
def test_media_have_a_bound_where_one_is_set(maximum, count):
    found = storage.problems([], 0, ("/media", 100), maximum)
    assert len(found) == count
    assert all("stack_media_maximum_mib" in problem for problem in found)


def test_folders_of_one_file_system_are_told_once(tmp_path):
    (tmp_path / "media").mkdir()
    (room,) = storage.rooms([str(tmp_path), str(tmp_path / "media"), str(tmp_path / "missing")])
    assert room.folders == (str(tmp_path), str(tmp_path / "media"))
    assert room.free_mib > 0


def test_a_link_in_media_is_not_counted_by_what_it_leads_to(tmp_path):
    media, outside = tmp_path / "media", tmp_path / "outside"
    media.mkdir()
    outside.mkdir()
    (outside / "large").write_bytes(bytes(3 * 2**20))
    (media / "upload").write_bytes(bytes(2 * 2**20))
    (media / "link").symlink_to(outside)
    assert storage.size(media) in (2, 3)
    (media / "second").write_bytes(bytes(4 * 2**20))
    assert storage.size(media) in (6, 7)
    assert storage.size(tmp_path / "missing") == 0
