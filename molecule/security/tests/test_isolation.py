"""What a program in a container reaches of the machine below it: the front, a resolver, and nothing else."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]

METADATA = "169.254.169.254"
# A link-local address of the host itself, on all of whose addresses the front listens.
LINK_LOCAL = "169.254.170.2"
# sshd's, the front's, a resolver's, that of another program of the host, and one that another stack publishes.
PORTS = (22, 80, 443, 53, 9999, 8080)
# Connects at once, and asks when it may.
LATE = """
import pathlib, socket, sys, time
connection = socket.create_connection((sys.argv[1], 9999), 5)
pathlib.Path("/run/connected").touch()
while not pathlib.Path("/run/ask").exists():
    time.sleep(0.1)
connection.settimeout(3)
connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
try:
    answer = connection.recv(4)
except TimeoutError:
    answer = b"none"
pathlib.Path("/run/answer").write_bytes(answer)
"""


@pytest.fixture(scope="module")
def inside(host):
    """How a command is run in the network of a container."""

    def words(container: str) -> str:
        pid = host.check_output("docker inspect --format '{{.State.Pid}}' %s", container)
        return f"nsenter --target={pid} --net"

    return words


@pytest.fixture(scope="module")
def reached(host, inside):
    """Which of these ports of an address answer to a program in a container."""
    program = shlex.quote((HERE / "scan.py").read_text(encoding="utf-8"))

    def run(container: str, address: str, *ports: int) -> list[int]:
        asked = " ".join(map(str, ports or PORTS))
        said = host.check_output(f"{inside(container)} python3 -c {program} {address} {asked}")
        return [int(port) for port in said.split()]

    return run


@pytest.fixture(scope="module")
def addresses(host):
    """Every address of the host, those of its bridges too."""
    links = json.loads(host.check_output("ip -json -4 address show"))
    return sorted({one["local"] for link in links if link["ifname"] != "lo" for one in link["addr_info"]})


@pytest.fixture(scope="module")
def web(host):
    return host.check_output("docker compose --project-name shop ps --quiet web").split()[0]


@pytest.fixture(scope="module", autouse=True)
def _busy(host, neighbour, variables, until):
    """Programs that listen on the host, another stack's port, and metadata, which the neighbour has."""
    there = neighbour.ansible.get_variables()["ansible_host"]
    host.check_output("systemd-run --unit=anything python3 -m http.server 9999 --bind ::")
    host.check_output("systemd-run --unit=resolver python3 -m http.server 53 --bind ::")
    host.check_output("docker run --detach --name=other --publish=8080:80 nginx:1.30")
    host.check_output(f"ip address add {LINK_LOCAL}/32 dev lo; ip route add {METADATA} via {there}")
    neighbour.check_output(f"ip address add {METADATA}/32 dev lo")
    for port in (80, 53):
        neighbour.check_output(f"systemd-run --unit=metadata-{port} python3 -m http.server {port} --bind {METADATA}")
    # The role has closed the neighbour too.
    neighbour.run("nft insert rule inet landfall input tcp dport '{ 53, 80 }' accept")
    for address, port in (("127.0.0.1", 9999), ("127.0.0.1", 53), ("127.0.0.1", 8080), (METADATA, 80), (METADATA, 53)):
        until(lambda at=address, by=port: answers(host, at, by), seconds=30)
    yield
    neighbour.check_output(f"systemctl stop metadata-80 metadata-53; ip address del {METADATA}/32 dev lo")
    host.check_output(f"ip route del {METADATA}; ip address del {LINK_LOCAL}/32 dev lo")
    host.check_output("docker rm --force --volumes other; systemctl stop anything resolver")


def answers(host, address, port):
    return host.run(f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").rc == 0


@pytest.mark.parametrize("service", ["db", "redis"])
def test_a_data_service_reaches_nothing_of_the_host(reached, addresses, service):
    # The same address without the rules is reached, or this would prove little: see the test at the end.
    found = {address: reached(f"shop-{service}-1", address) for address in addresses}
    assert {address: ports for address, ports in found.items() if ports} == {}


def test_the_project_reaches_the_front_and_a_resolver_by_the_addresses_of_the_host(
    host, reached, addresses, variables, web, inside
):
    assert reached(web, variables["ansible_host"]) == [53, 80, 443]
    own = host.check_output(f"{inside(web)} ip -json -4 address show")
    gateways = {one["local"].rpartition(".")[0] + ".1" for link in json.loads(own) for one in link["addr_info"]}
    found = {address: reached(web, address) for address in addresses}
    assert {address for address, ports in found.items() if not ports} == gateways & set(addresses)
    assert [ports for ports in found.values() if ports and ports != [53, 80, 443]] == []


def test_metadata_is_out_of_reach_but_for_a_resolver_at_its_address(reached, web):
    assert reached(web, METADATA, 53, 80) == [53]
    assert [reached(f"shop-{service}-1", METADATA, 53, 80) for service in ("db", "redis")] == [[], []]
    assert reached(web, LINK_LOCAL, 22, 80, 443, 9999) == []


def test_a_container_with_ipv6_reaches_no_more(host, reached):
    six, own, metadata = "fd76::1", "fd78::1", "fd00:ec2::254"
    host.check_output("docker network create --ipv6 --subnet=fd76::/64 six")
    host.check_output("docker run --detach --name=six --network=six redis:8")
    host.check_output(f"ip -6 address add {own}/128 dev lo; ip -6 address add {metadata}/128 dev lo")
    try:
        found = {address: reached("six", address, 22, 80, 9999) for address in (six, own, metadata)}
    finally:
        host.check_output("docker rm --force --volumes six; docker network rm six")
        host.check_output(f"ip -6 address del {own}/128 dev lo; ip -6 address del {metadata}/128 dev lo")
    assert (found[six], found[metadata]) == ([], [])
    assert not {22, 9999} & set(found[own])


@pytest.mark.parametrize(("firewall", "answer"), [("start", "none"), ("stop", "HTTP")])
def test_no_connection_outlives_the_rule_against_it(host, inside, variables, web, until, firewall, answer):
    host.check_output("systemctl stop landfall-firewall")
    try:
        late = f"{inside(web)} python3 -c {shlex.quote(LATE)} {variables['ansible_host']}"
        host.check_output(f"systemd-run --unit=late {late}")
        until(lambda: host.file("/run/connected").exists, seconds=10)
        host.check_output(f"systemctl {firewall} landfall-firewall")
        host.check_output("touch /run/ask")
        until(lambda: host.file("/run/answer").exists, seconds=15)
        assert host.file("/run/answer").content_string == answer
    finally:
        host.check_output("systemctl start landfall-firewall; rm -f /run/connected /run/ask /run/answer")


def test_without_the_rules_a_container_reaches_all_of_it(host, reached, variables, web):
    """The tests above look at what is there."""
    gateway = host.check_output("docker network inspect --format '{{(index .IPAM.Config 0).Gateway}}' shop_data")
    host.check_output("systemctl stop landfall-firewall")
    try:
        open_to_web = reached(web, variables["ansible_host"]), reached(web, METADATA, 53, 80)
        open_to_db = reached("shop-db-1", gateway)
    finally:
        host.check_output("systemctl start landfall-firewall")
    assert open_to_web == ([22, 53, 80, 443, 8080, 9999], [53, 80])
    assert {22, 53, 9999} <= set(open_to_db)
