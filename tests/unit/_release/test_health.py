# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release.health import verdict


def test_a_verdict_names_the_cure():
    assert verdict(200, "/health/") == ""
    assert "ALLOWED_HOSTS" in verdict(400, "/health/")
    assert "stack_health_path" in verdict(404, "/health/")
    assert verdict(500, "/health/") == "/health/ answers 500"
