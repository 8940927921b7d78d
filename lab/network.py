"""The lab's network and its name server's zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lab import docker
from lab.docker import LABEL
from lab.inventory import SUBNET, Host
from lab.shell import CACHE, LabError

NETWORK = "landfall-lab"
DOMAIN = "lab.test"
DNS, REGISTRY, ACME, DEPOT, PROFILES, PRIVATE, DYNAMIC = (
    str(SUBNET.network_address + offset) for offset in range(2, 9)
)
DYNAMIC_ZONE = "dynamic.test"  # as in lab/images/dynamic
NAMES = {"registry": REGISTRY, "acme": ACME, "depot": DEPOT, "profiles": PROFILES, "private": PRIVATE}
DNS_FOLDER = CACHE / "dns"


def ensure() -> None:
    found = docker.inspect("network", NETWORK, "{{(index .IPAM.Config 0).Subnet}}")
    if found is None:
        try:
            docker.docker("network", "create", "--label", LABEL, "--subnet", str(SUBNET), NETWORK)
        except LabError as error:
            raise LabError(f"{error}\nThe lab needs {SUBNET}: see `docker network ls` for who has it.") from error
    elif found != str(SUBNET):
        raise LabError(f"The network {NETWORK} has {found}, not {SUBNET}: `python -m lab down` removes it.")


def zones(hosts: Mapping[str, str]) -> str:
    """dnsmasq's configuration: the services by name, each host's name and everything below it, the rest elsewhere."""
    lines = ["no-resolv", "no-poll", "cache-size=1000"]
    # Docker's own resolver, which asks the controller's.
    lines += ["server=127.0.0.11", "local=/test/", f"server=/{DYNAMIC_ZONE}/{DYNAMIC}"]
    lines += [f"address=/{name}.{DOMAIN}/{address}" for name, address in NAMES.items()]
    lines += [f"address=/{name}.test/{address}" for name, address in sorted(hosts.items())]
    return "\n".join(lines) + "\n"


def merged(zone_text: str, hosts: Iterable[Host]) -> dict[str, str]:
    """Addresses by name: those of an earlier text, with these hosts put in.

    Earlier ones stay: a change restarts the name server, which other hosts may be using.
    """
    current = {host.name: host.address for host in hosts}
    earlier = dict(re.findall(r"^address=/([^/.]+)\.test/(.+)$", zone_text, re.MULTILINE))
    return {name: address for name, address in earlier.items() if address not in current.values()} | current


def write_zones(hosts: Iterable[Host]) -> bool:
    """Write the zones; whether that changed them."""
    file = DNS_FOLDER / "lab.conf"
    earlier = file.read_text() if file.is_file() else ""
    text = zones(merged(earlier, hosts))
    if text == earlier:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return True
