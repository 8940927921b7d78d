# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.folders import Folder, kept, lost

MEDIA = Folder("/srv/nginx/sites/shop/media", "/app/media")


@pytest.mark.parametrize(
    ("volumes", "declared", "found"),
    [
        ({}, [], []),
        ({"data": "/app/data/"}, [], [("/srv/shop/volumes/data", "/app/data")]),
        # Docker would cover the thumbnails by a volume that ends with its container, and Nginx would not see them.
        ({}, ["/app/media/thumbs/"], [("/srv/nginx/sites/shop/media/thumbs", "/app/media/thumbs")]),
        (
            {"data": "/data"},
            ["/data/index", "/data", "/database", "/app/media"],
            [("/srv/shop/volumes/data", "/data"), ("/srv/shop/volumes/data/index", "/data/index")],
        ),
        # A volume that has a name of its own is in that folder only.
        (
            {"data": "/data", "index": "/data-index"},
            ["/data-index"],
            [("/srv/shop/volumes/data", "/data"), ("/srv/shop/volumes/index", "/data-index")],
        ),
    ],
)
def test_what_is_kept(volumes, declared, found):
    folders = kept(volumes, "/srv/shop/volumes", MEDIA, declared)
    assert [(folder.path, folder.target) for folder in folders] == found


def test_without_media_nothing_of_it_is_kept():
    assert kept({}, "/srv/shop/volumes", None, ["/app/media/thumbs"]) == []


def test_what_no_folder_holds_is_lost():
    assert lost(["/a/b", "/a", "/ab", "/c/"], ["/a", "/c"]) == ["/ab"]
