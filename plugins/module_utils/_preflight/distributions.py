# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The distributions that the roles support, and in what they differ.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Distribution:
    """`docker_packages` are its own packages of Docker; none where its archive has no Compose v2."""

    docker_packages: tuple[str, ...] = ()
    certbot_profiles: bool = False  # certbot 4.0 or newer
    no_dns_plugins: tuple[str, ...] = ()  # certbot's, of which it has no package


SUPPORTED = {
    "Debian 12": Distribution(no_dns_plugins=("desec", "infomaniak")),
    "Debian 13": Distribution(
        ("docker.io", "docker-cli", "docker-compose", "docker-buildx"),
        certbot_profiles=True,
        no_dns_plugins=("digitalocean", "dnsimple", "gandi", "gehirn", "linode", "ovh", "sakuracloud"),
    ),
    "Ubuntu 24.04": Distribution(("docker.io", "docker-compose-v2", "docker-buildx")),
}


def find(system: Mapping[str, str]) -> Distribution | None:
    """The supported distribution that the `id` and `version` of an os-release name."""
    return SUPPORTED.get(f"{system['id'].capitalize()} {system['version']}")


def problems_of(system: Mapping[str, str]) -> Iterator[str]:
    if find(system) is None:
        *others, last = SUPPORTED
        yield (
            f"The host runs {system['name'] or 'an unknown system'}, which is not supported: use "
            f"{', '.join(others)} or {last}."
        )
