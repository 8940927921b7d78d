# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host can carry a stack, judged from what the module host_probe tells.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._front.nginx import PROJECT
from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions, front

# Enough for a first build: the base images, a Python environment and the database's first files.
DISK_FREE_MINIMUM_MIB = 3072
# A machine sold with 1 GiB shows less, since the kernel keeps some for itself.
MEMORY_MINIMUM_MIB = 900

ARCHITECTURES = ("amd64", "arm64")

Probe = Mapping[str, Any]


def problems_of(probe: Probe, port_names: Mapping[int, str], disk_minimum_mib: int) -> list[str]:
    """All that keeps the host from carrying the stack; `port_names` are the variables that the ports come from."""
    return [*_system(probe), *_disk(probe, disk_minimum_mib), *_ports(probe, port_names)]


def neighbour_problems(probe: Probe, name: str, root: str, site: str, domains: Collection[str]) -> Iterator[str]:
    """What another stack of the host has already; `site` is the own one."""
    if name and probe.get("stack") not in ("", None, name):
        yield f"stack_root: {root} on the host belongs to the stack {probe['stack']}: give {name} a folder of its own."
    yield from front.taken_domains(probe, site, domains, "stack_domains")


def warnings_of(probe: Probe) -> list[str]:
    memory = probe["memory_mib"]
    warnings = []
    if 0 < memory < MEMORY_MINIMUM_MIB:
        warnings.append(
            f"The host has {memory} MiB of memory: a whole stack needs 2 GiB, and below 1 GiB the kernel may kill it."
        )
    if probe["apt_holder"]:
        warnings.append(
            f"apt on the host is busy ({probe['apt_holder']}), as on a new host that upgrades itself at its first boot:"
            " tasks that install packages wait for it, up to 15 minutes each."
        )
    return warnings


def _system(probe: Probe) -> Iterator[str]:
    yield from distributions.problems_of(probe["distribution"])
    if probe["architecture"] not in ARCHITECTURES:
        yield f"The host's architecture is {probe['architecture']}, for which there are no images: use amd64 or arm64."


def _disk(probe: Probe, minimum_mib: int) -> Iterator[str]:
    seen = set()
    for place in probe["paths"]:
        if place["free_mib"] < minimum_mib and place["device"] not in seen:
            seen.add(place["device"])
            yield (
                f"stack_disk_free_minimum_mib: {place['free_mib']} MiB are free for {place['path']} on the host and a "
                f"build needs {minimum_mib}: free some space there, or lower the variable if you know better."
            )


def _ports(probe: Probe, names: Mapping[int, str]) -> Iterator[str]:
    for entry in probe["ports"]:
        strangers = [holder for holder in entry["holders"] if holder.get("project") != PROJECT]
        if strangers:
            name = names[entry["port"]]
            holders = " and ".join(_holder(holder) for holder in strangers)
            yield (
                f"{name}: port {entry['port']} of the host is taken by {holders}: stop that, "
                f"or set {name} to a free port."
            )


def _holder(holder: Mapping[str, Any]) -> str:
    if holder.get("container"):
        project = f" of the Compose project {holder['project']}" if holder.get("project") else ""
        return f"the container {holder['container']}{project}"
    if holder.get("process"):
        return f"the process {holder['process']} (pid {holder['pid']})"
    return "a process that could not be seen"
