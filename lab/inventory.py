"""The lab's hosts, as an inventory directory lists them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.shell import LabError

SUBNET = ipaddress.ip_network("172.30.77.0/24")
FIRST_HOST = 20
SUITES = ("bookworm", "trixie")


@dataclass(frozen=True, order=True)
class Host:
    name: str
    address: str
    suite: str
    images: tuple[str, ...] = field(default=(), compare=False)  # what its stacks pull, beside the usual


def read(directory: Path) -> list[Host]:
    """The hosts of `directory/hosts.yml`, checked."""
    file = directory / "hosts.yml"
    if not file.is_file():
        raise LabError(f"{file} does not exist: give an inventory directory with a hosts.yml by -i.")
    tree = yaml.safe_load(file.read_text()) or {}
    found: dict[str, dict[str, Any]] = {}
    for name, variables in _members({"children": tree}):
        found.setdefault(name, {}).update(variables or {})
    hosts = sorted(_host(name, variables, file) for name, variables in found.items())
    if clash := {host.address for host in hosts if sum(host.address == other.address for other in hosts) > 1}:
        raise LabError(f"{file}: several hosts share the address {', '.join(sorted(clash))}.")
    return hosts


def _members(group: dict[str, Any] | None) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every host below a group, with what the inventory says of it there."""
    yield from ((group or {}).get("hosts") or {}).items()
    for child in ((group or {}).get("children") or {}).values():
        yield from _members(child)


def _host(name: str, variables: dict[str, Any], file: Path) -> Host:
    address, suite = str(variables.get("ansible_host", "")), variables.get("lab_suite", "trixie")
    try:
        offset = int(ipaddress.ip_address(address)) - int(SUBNET.network_address)
    except ValueError:
        offset = 0
    if not FIRST_HOST <= offset < SUBNET.num_addresses - 1:
        raise LabError(
            f"{file}: host {name}: ansible_host must be an address of {SUBNET} from "
            f"{SUBNET.network_address + FIRST_HOST} on, not {address!r}."
        )
    if suite not in SUITES:
        raise LabError(f"{file}: host {name}: lab_suite must be one of {', '.join(SUITES)}, not {suite!r}.")
    listed = variables.get("lab_images", [])
    if not isinstance(listed, list) or not all(isinstance(image, str) for image in listed):
        raise LabError(f"{file}: host {name}: lab_images must be a list of images, such as [postgres:18].")
    return Host(name, address, suite, tuple(listed))
