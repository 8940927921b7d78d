# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start the front, or replace its containers that differ from its compose.yaml.

Private to this collection.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import (
    DockerError,
    docker,
    is_running,
    name_of,
)
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose, service_of
from ansible_collections.landfall.django.plugins.module_utils._docker.mounts import holds_deleted
from ansible_collections.landfall.django.plugins.module_utils._docker.wait import until
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import (
    HOLDER_SERVICE,
    NETWORKS,
    NGINX_SERVICE,
    PROJECT,
    Front,
)

SERVICES = (HOLDER_SERVICE, NGINX_SERVICE)
_START = 20  # seconds for a new Nginx container to have workers


def up(front: Front) -> list[str]:
    """Start or replace the holder and Nginx according to compose.yaml. Return the steps that were done, in words.

    A new Nginx starts beside the former one, and no request is lost. To replace the holder closes the ports for some
    seconds.
    """
    with front.locked():
        compose = Compose(str(front.root), PROJECT)
        found = compose.containers()
        counts = Counter(service_of(item) for item in found.values())
        old = compose.outdated(SERVICES, dict(counts))
        holders = [item for item in found.values() if service_of(item) == HOLDER_SERVICE]
        if not holders or not is_running(holders[0]) or old & {name_of(item) for item in holders}:
            return _start_all(front, compose, holders)
        servers = {name: item for name, item in found.items() if service_of(item) == NGINX_SERVICE}
        # A container that mounts a deleted folder never sees the new folder's files.
        good = [
            name for name, item in servers.items() if is_running(item) and name not in old and not holds_deleted(item)
        ]
        return _replace(front, compose, servers, good[:1])


def _start_all(front: Front, compose: Compose, holders: list[dict[str, Any]]) -> list[str]:
    networks = {name for item in holders for name in item["NetworkSettings"]["Networks"]}
    compose("up", "--detach")
    # Without --wait: Compose would wait for the first health check.
    _wait_for(front, compose.names(NGINX_SERVICE))
    for network in sorted(networks):
        if front.connected(network):
            continue
        if network in NETWORKS:
            docker("network", "rm", network)
        else:
            front.connect(network)
    return ["start the holder and Nginx"]


def _replace(front: Front, compose: Compose, servers: dict[str, dict[str, Any]], good: list[str]) -> list[str]:
    rest = sorted(set(servers) - set(good))
    done = []
    if not good:
        dead = [name for name in rest if not is_running(servers[name])]
        if dead:
            docker("rm", "--force", *dead)
        _start_beside(front, compose, len(servers) - len(dead) + 1)
        done.append("start a new Nginx")
    if leaving := [name for name in rest if is_running(servers[name])]:
        docker("stop", *leaving)
        done.append("stop the former Nginx")
    if rest:
        docker("rm", "--force", *rest)
    return done or (["remove a stopped Nginx"] if rest else [])


def _start_beside(front: Front, compose: Compose, count: int) -> None:
    before = set(compose.names(NGINX_SERVICE))
    # Both services: the labels that Compose sets depend on whether the other one was named.
    compose("up", "--detach", "--no-recreate", f"--scale={NGINX_SERVICE}={count}", *SERVICES)
    new = sorted(set(compose.names(NGINX_SERVICE)) - before)
    try:
        _wait_for(front, new)
    except DockerError:
        docker("rm", "--force", *new)
        raise


def _wait_for(front: Front, names: list[str]) -> None:
    if not until(lambda: front.ready(names), _START):
        log = "\n".join(docker("logs", "--tail", "20", name, merge=True) for name in names)
        raise DockerError(f"Nginx did not start: {', '.join(names)} had no worker after {_START} seconds:\n{log}")
