# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release.health import status_problem


def test_a_verdict_names_the_cure():
    assert status_problem(200, "/health/") == ""
    assert "ALLOWED_HOSTS" in status_problem(400, "/health/")
    assert "stack_health_path" in status_problem(404, "/health/")
    assert status_problem(500, "/health/") == "/health/ answers 500"
