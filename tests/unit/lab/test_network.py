from __future__ import annotations

from lab import network
from lab.inventory import Host

DEMO = Host("demo", "172.30.77.20", "trixie")


def test_zones_answer_for_services_and_hosts_and_ask_elsewhere_for_the_rest() -> None:
    lines = network.zones({"demo": "172.30.77.20"}).splitlines()
    assert "address=/acme.lab.test/172.30.77.4" in lines
    assert "address=/demo.test/172.30.77.20" in lines
    assert "local=/test/" in lines  # no question about our names leaves the lab
    # Pebble sees what certbot's plugin writes.
    assert "server=/dynamic.test/172.30.77.8" in lines
    assert any(line.startswith("server=") for line in lines)


def test_hosts_of_an_earlier_run_stay_known() -> None:
    earlier = network.zones({"other": "172.30.77.21"})
    assert network.merged(earlier, [DEMO]) == {"other": "172.30.77.21", "demo": "172.30.77.20"}


def test_a_host_takes_over_the_address_and_the_name_it_is_given() -> None:
    earlier = network.zones({"old": "172.30.77.20", "demo": "172.30.77.30"})
    assert network.merged(earlier, [DEMO]) == {"demo": "172.30.77.20"}


def test_services_are_not_taken_for_hosts() -> None:
    assert network.merged(network.zones({}), []) == {}
