# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the front's network gets IPv6. The rows are of /proc/net/ipv6_route."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import ipv6

ZERO = "0" * 32
NEIGHBOURS = f"fe80{'0' * 28} 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0\n"
WRITTEN = f"{ZERO} 00 {ZERO} 00 20010db8{'0' * 23}1 00000400 00000001 00000000 00000003     eth0\n"
ADVERTISED = f"{ZERO} 00 {ZERO} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00450003     eth0\n"
OLD_WITH = '{"experimental": true, "ip6tables": true}'


@pytest.mark.parametrize(
    ("disabled", "daemon", "engine", "possible"),
    [
        ("0\n", '{"live-restore": true}', "29.0.0", True),
        ("0\n", "", "27.0.1", True),
        # Switched off, and a kernel without it
        ("1\n", "", "29.0.0", False),
        ("", "", "29.0.0", False),
        # The user's own choice
        ("0\n", '{"ip6tables": false}', "29.0.0", False),
        ("0\n", '{"iptables": false}', "29.0.0", False),
        # Engines in which it is an experiment
        ("0\n", "", "26.1.5+dfsg1", False),
        ("0\n", '{"ip6tables": true}', "20.10.24+dfsg1", False),
        ("0\n", OLD_WITH, "26.1.5+dfsg1", True),
        # An engine that did not answer, and a file that nobody can read
        ("0\n", "", "", False),
        ("0\n", "{", "29.0.0", False),
    ],
)
def test_it_needs_the_kernel_and_the_engine(disabled: str, daemon: str, engine: str, possible: bool) -> None:
    assert ipv6.is_possible(disabled, daemon, engine, NEIGHBOURS + WRITTEN, {}) is possible


@pytest.mark.parametrize(
    ("routes", "accept_ra", "possible"),
    [
        ("", {}, True),
        (WRITTEN, {"eth0": "1\n"}, True),
        (ADVERTISED, {"eth0": "1\n"}, False),
        (ADVERTISED, {}, False),
        (ADVERTISED, {"eth0": "2\n"}, True),
    ],
)
def test_a_host_keeps_its_own_way_out(routes: str, accept_ra: dict[str, str], possible: bool) -> None:
    assert ipv6.is_possible("0", "", "29.0.0", NEIGHBOURS + routes, accept_ra) is possible


def test_the_interface_of_a_learned_route() -> None:
    assert ipv6.advertised(NEIGHBOURS + WRITTEN) == set()
    assert ipv6.advertised(NEIGHBOURS + ADVERTISED) == {"eth0"}
