# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The example and the projects of the tests fit the stacks that they are deployed to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project import profile
from ansible_collections.landfall.django.plugins.module_utils._secrets import dotenv

from rendered import variable
from tests.unit._project.settings import HOST, ask

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("project", "health"),
    [
        ("examples/shop", "/health/"),
        ("tests/projects/kiosk", "/healthz"),
        ("tests/projects/meter", "/health/"),
        ("tests/projects/pamphlet", "/health/"),
        ("tests/projects/weasel", "/health/"),
    ],
)
def test_a_project_fits_its_stack(tmp_path, project, health):
    # One of them writes beside its source.
    folder = shutil.copytree(ROOT / project, tmp_path / "project")
    # With SQLite, which needs no driver.
    stack = {"stack_domains": [HOST], "stack_database": "none", "stack_redis_password": "secret"}
    environment = dotenv.load(dotenv.dump(variable("stack", "__stack_environment", {**stack, "stack_secret_key": "x"})))
    said = ask(folder, environment, paths=profile.HEALTH_PATHS)
    assert said["health"] == {"path": health, "unknown": ""}
    assert said["static_root"] == str(folder / "staticfiles")
    found = {**stack, "__stack_profile_found": {"stack": "shop", "profile": said}}
    assert variable("stack", "__stack_profile_refusal", found) == ""
