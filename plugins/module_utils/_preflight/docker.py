# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of the role docker. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions

Values = Mapping[str, Any]

_CHECKSUM = re.compile(r"[0-9A-Fa-f]{64}")
# What may be in the way of an engine that a stack can use.
PRESENT = ("docker.io", "docker-ce", "podman-docker")
SNAP = "/snap/bin/docker"
PLUGINS = tuple(f"/usr/{place}/docker/cli-plugins/docker-compose" for place in ("lib", "libexec", "local/lib"))
_LOCAL_SOCKET = re.compile(r"(unix|fd)://")


def asked(_values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell: each supported distribution's packages of Docker, and the keys of apt."""
    packages = {name for one in distributions.SUPPORTED.values() for name in one.docker_packages}
    return {**present(), "packages": sorted({*packages, *PRESENT}), "files": ["/etc/apt/keyrings/docker-*.asc"]}


def present() -> dict[str, Any]:
    """What the module host_probe has to tell of an engine that is there already."""
    return {"packages": list(PRESENT), "programs": [SNAP, *PLUGINS]}


def problems_of(values: Values) -> Iterator[str]:
    checksum, version = str(values.get("docker_repository_key_checksum", "0" * 64)), values.get("docker_version")
    if not _CHECKSUM.fullmatch(checksum):
        yield (
            f"docker_repository_key_checksum: '{checksum}' is not a sha256: give the 64 digits that `sha256sum` prints "
            "for the file at docker_repository_key."
        )
    if version and values.get("docker_origin", "docker") != "docker":
        yield (
            f"docker_version: '{version}' needs docker_origin: docker; the distribution has one version only: leave it "
            "empty, or change docker_origin."
        )
    hosts = (values.get("docker_daemon_options") or {}).get("hosts") or []
    network = [host for host in ([hosts] if isinstance(hosts, str) else hosts) if not _LOCAL_SOCKET.match(str(host))]
    if network:
        yield (
            f"docker_daemon_options: hosts has {', '.join(map(str, network))}, and anybody who reaches that address is "
            "root on the host: leave it out, and reach the engine by ssh, as with DOCKER_HOST=ssh://root@host."
        )


def host_problems(values: Values, probe: Mapping[str, Any]) -> Iterator[str]:
    system = probe["distribution"]
    found = distributions.find(system)
    yield from distributions.problems_of(system)
    if found and not found.docker_packages and values.get("docker_origin") == "distribution":
        yield (
            f"docker_origin: {system['name']} has no package of Compose v2: set docker_origin: docker, with "
            "docker_repository_url where the host does not reach Docker's own repository."
        )
    yield from _present_problems(system["name"], found, probe)


def _present_problems(system: str, found: distributions.Distribution | None, probe: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an engine that is there already."""
    packages, programs = probe["packages"], {name for name, is_there in probe["programs"].items() if is_there}
    if SNAP in programs:
        yield (
            "The host has Docker from snap, which sees no files below /srv and does not read /etc/docker/daemon.json: "
            "save what its volumes hold, remove it with `sudo snap remove docker`, and run this again."
        )
    if "podman-docker" in packages:
        yield (
            "The command docker of the host is Podman, from the package podman-docker: remove that package with "
            "`sudo apt-get remove podman-docker`, and run this again. Podman itself can stay."
        )
    is_bare = "docker.io" in packages and "docker-ce" not in packages and programs.isdisjoint(PLUGINS)
    if is_bare and found and not found.docker_packages:
        yield (
            f"The host has docker.io of {system}, which has no Compose v2, and Docker's own packages would replace it "
            "and stop its containers: remove it with `sudo apt-get remove docker.io`, and run this again. Its images "
            "and volumes stay."
        )
