# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Control the host's Nginx: its networks, and the containers that it sends requests to, without losing one.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import (
    DockerError,
    containers,
    docker,
    inspect,
    is_running,
    name_of,
)
from ansible_collections.landfall.django.plugins.module_utils._docker.wait import until
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._files.remove import remove
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import SOCKET, loaded

PROJECT = "nginx"
HOLDER_SERVICE = "edge"
NGINX_SERVICE = "nginx"
NETWORKS = {"0_nginx", "0_nginx_ipv6"}  # its own, one at a time: see roles/nginx/templates/compose.yaml.j2
RELOAD = 30  # seconds for Nginx to start its new workers
_LOCK_TIMEOUT = 120  # seconds for the release of another stack to finish with Nginx


class Written(NamedTuple):
    """A site's two files that a release writes; None where one is missing."""

    upstream: str | None
    locations: str | None


class Front:
    """The front on this host: the holder, which owns the ports and the networks, and Nginx inside it."""

    def __init__(self, root: str):
        self.root = Path(root)
        # Whether Nginx was reloaded since this object exists.
        self._reload_requested = False

    def locked(self) -> AbstractContextManager[None]:
        """Hold the front's lock: releases of several stacks may change Nginx at the same time."""
        return lock.held(self.root / ".lock", "another release", patience=_LOCK_TIMEOUT)

    def _running(self, service: str) -> str:
        """Return the name of the running container of a service; empty where none runs."""
        return next((name_of(item) for item in _running_containers(service)), "")

    def _container(self, service: str) -> str:
        return name_of(self._inspected(service))

    def _inspected(self, service: str) -> dict[str, Any]:
        """Inspect the running container of a service. Raises DockerError where none runs."""
        found = _running_containers(service)
        if not found:
            raise DockerError(
                f"the front's container {service} is not running: apply the role landfall.django.nginx, or set"
                " stack_nginx_root to '' where another server is in front"
            )
        return found[0]

    # Networks

    def connected(self, network: str) -> bool:
        """Return whether the holder is connected to `network`."""
        return network in self._inspected(HOLDER_SERVICE)["NetworkSettings"]["Networks"]

    def connect(self, network: str) -> None:
        """Connect the holder to `network`. It stays connected when it restarts."""
        docker("network", "connect", network, self._container(HOLDER_SERVICE))

    def disconnect(self, network: str) -> None:
        """Disconnect the holder from `network`, also while stopped: it could not start without the network."""
        for item in _containers(HOLDER_SERVICE):
            if network in item["NetworkSettings"]["Networks"]:
                docker("network", "disconnect", "--force", network, name_of(item))

    # Where a site's requests go

    def upstream_file(self, site: str) -> Path:
        """Return the file that names the containers of `site`."""
        return self.root / "upstreams" / f"{site}.conf"

    def locations_file(self, site: str) -> Path:
        """Return the file with the URLs of the files that Nginx serves for `site`."""
        return self.root / "upstreams" / f"{site}.locations"

    def written(self, site: str) -> Written:
        """Return the content of both files."""
        paths = (self.upstream_file(site), self.locations_file(site))
        return Written(*(path.read_text() if path.exists() else None for path in paths))

    def _write(self, site: str, wanted: Written) -> None:
        for path, text in zip((self.upstream_file(site), self.locations_file(site)), wanted):
            if text is None:
                path.unlink(missing_ok=True)
            else:
                replace(path, text.encode(), 0o644)

    def loaded(self, site: str) -> list[str] | None:
        """Return the containers that Nginx sends the site's requests to now; None where it has no such site loaded, or
        does not answer."""
        nginx = self._running(NGINX_SERVICE)
        return self._loaded(site, nginx) if nginx else None

    @staticmethod
    def _loaded(site: str, nginx: str) -> list[str] | None:
        ask = ("curl", "--silent", "--max-time", "5", "--unix-socket", SOCKET, f"http://{site}/")
        try:
            return loaded(site, docker("exec", nginx, *ask, timeout=20))
        except DockerError:
            return None

    def point(self, site: str, wanted: Written, hosts: Iterable[str]) -> set[str]:
        """Send the site's requests as the files `wanted` say, to the containers `hosts`.

        Return the ids of the worker processes that now drain.

        On return Nginx has confirmed that it loaded them, and no former worker accepts connections. Otherwise raises
        DockerError; `point_back` then undoes it.
        """
        with self.locked():
            nginx = self._container(NGINX_SERVICE)
            workers = self._workers(nginx)
            self._write(site, wanted)
            self._nginx(nginx, "-t", "-q")
            self._reload(nginx, workers)
            if self._loaded(site, nginx) != sorted(hosts):
                raise DockerError(f"Nginx was reloaded, but does not send requests of {site} to the new release")
            return workers

    def point_back(self, site: str, former: Written, gone: Iterable[str]) -> set[str]:
        """Restore the former files, and make sure that Nginx sends no request to the containers `gone`.

        Return the pids of the Nginx workers that now drain. Raises DockerError where Nginx may still send requests to
        them.
        """
        with self.locked():
            self._write(site, former)
            nginx = self._running(NGINX_SERVICE)
            if not nginx:  # it reads the files when it starts
                return set()
            if self._reload_requested:
                workers = self._workers(nginx)
                self._nginx(nginx, "-t", "-q")
                self._reload(nginx, workers)
            else:
                workers = set()
            if set(self.loaded(site) or ()) & set(gone):
                raise DockerError(f"Nginx still sends requests of {site} to the new release")
            return workers

    def drained(self, workers: set[str]) -> bool:
        """Return whether all of these workers have ended."""
        nginx = self._running(NGINX_SERVICE) if workers else ""
        return not (nginx and workers & self._workers(nginx))

    def site_files(self, site: str) -> list[str]:
        """Return the files that Nginx has of a site, without static files and media."""
        tls = self.root / "tls"
        keys = [self.root / "keys" / f"{site}.{kind}" for kind in ("pem", "users")]
        # Of its routes. No site's name has a dot.
        keys += sorted((self.root / "keys").glob(f"{site}.*.users"))
        kinds = ("conf", "server", "static", "media", "nginx_site_server_snippet", "nginx_site_http_snippet")
        servers = [self.root / "conf.d" / f"{site}.{kind}" for kind in kinds]
        own = (self.upstream_file(site), self.locations_file(site))
        files = (*servers, *own, *keys, tls / site, tls / "temporary" / site, tls / "own" / site)
        return [str(file) for file in files if os.path.lexists(file)]

    def remove_site(self, site: str) -> None:
        """Remove a site's files, and reload Nginx if it runs."""
        with self.locked():
            for file in self.site_files(site):
                remove(file)
            nginx = self._running(NGINX_SERVICE)
            if nginx:
                self._reload(nginx, self._workers(nginx))
                if self.loaded(site) is not None:
                    raise DockerError(f"Nginx still serves {site} after the reload: see docker logs {nginx}")

    def _reload(self, nginx: str, workers: set[str]) -> None:
        self._reload_requested = True
        self._nginx(nginx, "-s", "reload")
        if not until(lambda: not workers & self._workers(nginx, accepting=True), RELOAD, 0.05):
            raise DockerError(f"Nginx did not load its new configuration within {RELOAD} seconds")

    def _nginx(self, container: str, *arguments: str) -> None:
        docker("exec", container, "nginx", *arguments, "-c", f"{self.root}/conf/nginx.conf", merge=True, timeout=60)

    def ready(self, names: list[str]) -> bool:
        """Return whether all of these Nginx containers run and have workers."""
        try:
            return all(is_running(item) and bool(self._workers(item["Id"])) for item in inspect(*names))
        except DockerError:  # one has ended meanwhile
            return False

    @staticmethod
    def _workers(nginx: str, *, accepting: bool = False) -> set[str]:
        """Return the pids of Nginx's workers, or only of those that accept connections."""
        rows = (row.split(None, 1) for row in docker("top", nginx, "-eo", "pid,args").splitlines()[1:])
        title = "nginx: worker process"
        return {pid for pid, name in rows if (name.strip() == title if accepting else name.startswith(title))}


def _running_containers(service: str) -> list[dict[str, Any]]:
    return [item for item in _containers(service) if item["State"]["Running"]]


def _containers(service: str) -> list[dict[str, Any]]:
    label = "label=com.docker.compose."
    return containers([f"{label}project={PROJECT}", f"{label}service={service}"])
