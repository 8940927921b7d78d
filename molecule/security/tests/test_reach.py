"""What the neighbour of a site reaches of it, whatever Docker publishes and whatever happens to the rules."""

from __future__ import annotations

import pytest

from lab import hosts

ADDRESS_6 = "fd77::22"
OPEN = [22, 80, 443]
# Those of the site, the database's, and one where a program of the host listens.
PORTS = (*OPEN, 3306, 9999)
OVERRIDE = """
services:
  db:
    ports: ["3306:3306", "9997:3306"]
    networks: {front: {}}
"""


@pytest.fixture(scope="module", autouse=True)
def _ipv6(host, neighbour):
    host.check_output(f"ip -6 address replace {ADDRESS_6}/64 dev eth0 nodad")
    neighbour.check_output("ip -6 address replace fd77::21/64 dev eth0 nodad")


@pytest.fixture(scope="module")
def look(neighbour, variables, scan_from):
    """What the neighbour sees: by IPv4, and by IPv6."""

    def run() -> tuple[list[int], list[int]]:
        addresses = (variables["ansible_host"], ADDRESS_6)
        return tuple(scan_from(neighbour, address, *PORTS) for address in addresses)

    return run


@pytest.fixture(scope="module")
def site(visit):
    return visit("shop")


@pytest.fixture(scope="module")
def mistakes(host, scan_from, until):
    """The database published by an override of the user's, and a server on all of the host's addresses."""
    files = " ".join(f"--file=/srv/shop/{name}" for name in ("compose.yaml", "compose.override.yaml", "mistake.yaml"))
    compose = "docker compose --project-directory=/srv/shop %s up --detach --wait db"
    host.check_output(f"cat >/srv/shop/mistake.yaml <<'E'\n{OVERRIDE}E")
    host.check_output(compose % files)
    servers = (9996, 9998, 9999)
    for port in servers:
        host.check_output(f"systemd-run --unit=mistake-{port} python3 -m http.server {port} --bind ::")
    until(lambda: scan_from(host, "127.0.0.1", *servers) == list(servers), seconds=30)
    yield
    host.check_output("systemctl stop 'mistake-*'; rm /srv/shop/mistake.yaml")
    host.check_output(compose % "")


def test_of_all_ports_only_ssh_and_the_sites_answer(neighbour, variables, scan_from):
    assert scan_from(neighbour, variables["ansible_host"]) == OPEN


def test_what_is_published_by_mistake_is_reached_from_the_host_only(host, look, mistakes, scan_from):
    assert scan_from(host, "127.0.0.1", 3306, 9999) == [3306, 9999]
    closed = [look()]
    # Not the mistakes' fault: without the rules, everybody is in.
    host.check_output("systemctl stop landfall-firewall")
    try:
        assert [set(ports) & {3306, 9999} for ports in look()] == [{3306, 9999}] * 2
    finally:
        host.check_output("systemctl start landfall-firewall")
    closed.append(look())
    assert [(by_4, set(by_6) - set(OPEN)) for by_4, by_6 in closed] == [(OPEN, set())] * 2


def test_a_port_that_is_open_to_some_is_closed_to_others(host, neighbour, variables, mistakes, scan_from):
    # 9997 is a container's.
    assert scan_from(host, "127.0.0.1", 9996, 9997, 9998) == [9996, 9997, 9998]
    assert scan_from(neighbour, variables["ansible_host"], 9996, 9997, 9998) == [9997, 9998]


@pytest.mark.parametrize(
    "command",
    [
        "systemctl restart docker",
        "nft flush ruleset && systemctl restart landfall-firewall",
        # Its own configuration begins with an empty ruleset.
        "systemctl restart nftables",
        "systemctl reload nftables",
        "systemctl stop nftables",
    ],
)
def test_whatever_happens_to_the_rules_the_site_answers_and_nothing_else(host, site, look, mistakes, until, command):
    host.check_output(command)
    # Docker's own rules are back, so that visitors keep their addresses and containers reach the world.
    until(lambda: "3306" in host.run("iptables -t nat -S DOCKER").stdout, seconds=30)
    assert site.eventually("/health/", lambda answer: answer.status == 200, seconds=30).status == 200
    by_4, by_6 = look()
    assert (by_4, set(by_6) - set(OPEN)) == (OPEN, set())


def test_a_visitor_by_ipv6_keeps_the_address(host, neighbour, variables, until):
    program = f"""
import http.client
connection = http.client.HTTPConnection("[{ADDRESS_6}]", timeout=5)
connection.request("GET", "/by-ipv6", headers={{"Host": "shop.{variables["inventory_hostname"]}.test"}})
print(connection.getresponse().status)
"""
    assert neighbour.check_output("python3 -c %s", program) == "301"
    logs = "docker logs --since 1m $(docker compose --project-name nginx ps --quiet nginx)"
    # Nginx writes its log every five seconds.
    until(lambda: "/by-ipv6" in host.check_output(logs), seconds=15)
    (line,) = [line for line in host.check_output(logs).splitlines() if "/by-ipv6" in line]
    assert line.startswith("fd77::21 ")


def test_containers_reach_the_world_and_each_other_but_not_the_host(host, variables):
    program = """
import socket, sys
for address in sys.argv[1:]:
    name, port = address.split(":")
    try:
        socket.create_connection((name, int(port)), 2).close()
        print(address)
    except OSError:
        pass
"""
    own = variables["ansible_host"]
    asked = ["registry.lab.test:5000", "redis:6379", f"{own}:443", f"{own}:9999"]
    command = ["docker", "compose", "--project-directory", "/srv/shop", "exec", "-T", "web", "python", "-c", program]
    said = host.check_output(" ".join(["%s"] * (len(command) + len(asked))), *command, *asked)
    assert said.split() == asked[:3]


def test_a_reboot_changes_nothing(host, variables, site, look):
    hosts.power(variables["inventory_hostname"], "reboot")
    assert site.eventually("/health/", lambda answer: answer.status == 200, seconds=60).status == 200
    assert look()[0] == OPEN
    assert host.check_output("systemctl is-active landfall-firewall") == "active"
