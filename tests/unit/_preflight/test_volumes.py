# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import volumes

from tests.unit.sentences import only

SERVED = {"stack_static_path": "/app/staticfiles", "stack_media_path": "/app/media"}


@pytest.mark.parametrize(
    "given",
    [{}, {"data": "/app/data"}, {"data": "/data", "index_2": "/var/lib/index"}, {"media2": "/app/media2"}],
)
def test_folders_of_the_project_are_taken(given):
    assert list(volumes.problems_of({**SERVED, "stack_volumes": given})) == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"../up": "/app/data"}, "../up"),
        ({"Data": "/app/data"}, "Data"),
        ({1: "/app/data"}, "1"),
        ({"data": "data"}, "data"),
        ({"data": "/app/../etc"}, "/app/../etc"),
        ({"data": "/app/da ta"}, "/app/da ta"),
        ({"data": "/app/data:ro"}, "/app/data:ro"),
        ({"data": "/"}, "/"),
        ({"data": "//"}, "//"),
        ({"data": "/etc/app"}, "/etc/app"),
        ({"data": "/run"}, "/run"),
        ({"data": "/var/lib"}, "/var/lib"),
        ({"data": None}, "None"),
        # A visitor would see the one, or the release would cover the other.
        ({"data": "/app/media/private"}, "/app/media/private"),
        ({"data": "/app"}, "/app/media"),
        ({"data": "/app/staticfiles"}, "/app/staticfiles"),
        ({"one": "/data", "two": "/data/two"}, "two"),
    ],
)
def test_a_folder_that_cannot_be_kept_is_refused(given, named):
    found = list(volumes.problems_of({**SERVED, "stack_volumes": given}))
    assert found
    assert all(problem.startswith("stack_volumes: ") for problem in found)
    assert any(named in problem for problem in found)


def test_each_pair_is_told_once():
    only(list(volumes.problems_of({"stack_volumes": {"one": "/data", "two": "/data/two"}})))
