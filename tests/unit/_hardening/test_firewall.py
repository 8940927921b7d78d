# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import firewall


def test_ports_are_sorted_by_protocol_and_named_once():
    assert firewall.parse([443, "80", "51820/udp", "8000-8010/tcp", 80]) == (
        {"tcp": ["80", "443", "8000-8010"], "udp": ["51820"]},
        [],
    )


def test_overlapping_ranges_become_one_because_a_set_takes_no_port_twice():
    assert firewall.parse(["8000-8010", "8005-8020", "8010", "9000"])[0]["tcp"] == ["8000-8020", "9000"]


@pytest.mark.parametrize("wrong", ["http", "0", "65536", "90-80", "1-2/icmp", "22; flush ruleset", "80,443", "-1", ""])
def test_what_is_no_port_is_named(wrong):
    ports, named = firewall.parse([wrong, 22])
    assert (ports, named) == ({"tcp": ["22"], "udp": []}, [wrong])


def test_a_port_may_be_open_to_some_only():
    everybody, some, wrong = firewall.split(
        [
            80,
            "9100 from 10.8.0.7/24",
            "53/udp  from fd00::/8",
            "5432 from wg0",
            "9000-9010 from wg0",
            "22 from 10.8.0.1",
        ]
    )
    assert (everybody, wrong) == (["80"], [])
    assert firewall.visitors(some) == [
        firewall.Visitors("ip saddr 10.8.0.0/24", ["9100"], []),
        firewall.Visitors("ip6 saddr fd00::/8", [], ["53"]),
        firewall.Visitors('iifname "wg0"', ["5432", "9000-9010"], []),
        firewall.Visitors("ip saddr 10.8.0.1/32", ["22"], []),
    ]


@pytest.mark.parametrize(
    "given",
    [
        "80 from",
        "from wg0",
        "http from wg0",
        "80 from 10.8.0.0/33",
        "80 from wg0; flush",
        "80 from 300.1.2.3",
        "80 from *",
    ],
)
def test_a_wrong_allowance_is_named_and_opens_nothing(given):
    assert firewall.split([given]) == ([], {}, [given])


@pytest.mark.parametrize(
    "said",
    [
        "netlink: Error: cache initialization failed: Operation not permitted",
        "Error: Could not process rule: Operation not supported",
        "netlink: Error: cache initialization failed: Protocol not supported",
    ],
)
def test_a_kernel_without_nftables_is_told_from_a_mistake(said):
    assert "Set hardening_firewall: false" in firewall.refusal(said)


def test_a_mistake_is_reported_in_the_words_of_nft():
    said = firewall.refusal("rules.nft:3:1-4: Error: syntax error, unexpected junk\n")
    assert said.startswith("hardening_firewall: ")
    assert said.endswith(": rules.nft:3:1-4: Error: syntax error, unexpected junk")
