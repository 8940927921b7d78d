# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg and systemd tell, as Debian 13 printed it."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import system

LISTED = "certbot installed\nopenssl installed\nchrony config-files\nnftables not-installed\n"
SHOWN = """\
ActiveState=active
UnitFileState=enabled

ActiveState=inactive
UnitFileState=masked

ActiveState=inactive
UnitFileState=
"""


def test_only_what_is_installed_counts() -> None:
    assert system.parse_packages(LISTED) == ["certbot", "openssl"]
    assert system.parse_packages("") == []


def test_units_are_told_in_the_order_in_which_they_were_asked() -> None:
    names = ["docker.service", "apt-daily.timer", "chrony.service"]
    assert system.parse_units(names, SHOWN) == {
        "docker.service": {"enabled": "enabled", "active": "active"},
        "apt-daily.timer": {"enabled": "masked", "active": "inactive"},
        "chrony.service": {"enabled": "", "active": "inactive"},
    }


def test_without_systemd_no_unit_is_there() -> None:
    assert system.parse_units(["docker.service"], "") == {"docker.service": {"enabled": "", "active": "inactive"}}


def test_a_host_without_the_programs_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert system.packages(["certbot"]) == []
    assert system.units(["certbot.timer"])["certbot.timer"]["enabled"] == ""
