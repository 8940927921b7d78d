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
_LOCAL_SOCKET = re.compile(r"(unix|fd)://")


def asked(_values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell: each supported distribution's packages of Docker, and the keys of apt."""
    packages = sorted({name for one in distributions.SUPPORTED.values() for name in one.docker_packages})
    return {"packages": packages, "files": ["/etc/apt/keyrings/docker-*.asc"]}


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
