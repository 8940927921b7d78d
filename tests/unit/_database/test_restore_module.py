# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module database_restore: what it takes from the release that serves."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.record import SERVING, Journal, Record
from ansible_collections.landfall.django.plugins.modules.database_restore import restore_of

GIVEN = {"project_name": "shop", "manage_command": "python3 manage.py"}


@pytest.mark.parametrize("command", ["python3 src/manage.py", ""])
def test_the_release_that_serves_says_how_its_django_is_asked(tmp_path, command):
    folder = tmp_path / "releases/1"
    folder.mkdir(parents=True)
    site = {"project_src": str(tmp_path), "project_name": "shop", "image": "shop:1", "image_id": "1"}
    Journal(folder, Record(1, state=SERVING, site={**site, "manage_command": command})).save()
    asked = restore_of(tmp_path, GIVEN).read_project
    assert (asked.args[1] if asked else "") == command


def test_without_one_the_variable_says_it(tmp_path):
    assert restore_of(tmp_path, GIVEN).read_project.args[1] == "python3 manage.py"
