# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Point the host's Nginx at other containers without losing a request.

Private to this collection.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

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
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import SOCKET, loaded, upstream

PROJECT = "nginx"
HOLDER_SERVICE = "edge"
NGINX_SERVICE = "nginx"
NETWORK = "0_nginx"  # its own, see roles/nginx/templates/compose.yaml.j2
RELOAD = 30  # seconds for Nginx to start its new workers
_PATIENCE = 120  # seconds for another release to be done with Nginx


class Front:
    """The front on this host: the holder, which owns the ports and the networks, and Nginx inside it."""

    def __init__(self, root: str):
        self.root = Path(root)
        # Whether Nginx was told to load a file since then.
        self._reload_requested = False

    def locked(self) -> AbstractContextManager[None]:
        """One at a time: the releases of several stacks may want Nginx to reload, or another Nginx, at once."""
        return lock.held(self.root / ".lock", "another release", patience=_PATIENCE)

    def _running(self, service: str) -> str:
        """The running container of a service; empty where there is none."""
        return next((name_of(item) for item in _containers(service) if item["State"]["Running"]), "")

    def _container(self, service: str) -> str:
        found = self._running(service)
        if not found:
            raise DockerError(
                f"the front's container {service} is not running: apply the role landfall.django.nginx,"
                " or set stack_nginx_root to '' where another server stands in front"
            )
        return found

    # Networks

    def connected(self, network: str) -> bool:
        """Tell whether the holder is on `network`."""
        return network in inspect(self._container(HOLDER_SERVICE))[0]["NetworkSettings"]["Networks"]

    def connect(self, network: str) -> None:
        """Connect the holder to `network`; it stays so over restarts."""
        docker("network", "connect", network, self._container(HOLDER_SERVICE))

    def disconnect(self, network: str) -> None:
        """Take the holder off `network`, if it is on it. A stopped one too: it could not start without the network."""
        for item in _containers(HOLDER_SERVICE):
            if network in item["NetworkSettings"]["Networks"]:
                docker("network", "disconnect", "--force", network, name_of(item))

    # Where a site's requests go

    def upstream_file(self, site: str) -> Path:
        """The file that names the containers of `site`."""
        return self.root / "upstreams" / f"{site}.conf"

    def written(self, site: str) -> str | None:
        """What that file holds; None where it is missing."""
        path = self.upstream_file(site)
        return path.read_text() if path.exists() else None

    def loaded(self, site: str) -> list[str] | None:
        """The containers that Nginx sends the site's requests to now; None where it knows none, or does not answer."""
        nginx = self._running(NGINX_SERVICE)
        if not nginx:
            return None
        ask = ("curl", "--silent", "--max-time", "5", "--unix-socket", SOCKET, f"http://{site}/")
        try:
            return loaded(site, docker("exec", nginx, *ask, timeout=20))
        except DockerError:
            return None

    def point(self, site: str, hosts: Collection[str], port: int) -> set[str]:
        """Send the site's requests to the containers `hosts`. Return the ids of the worker processes that now drain.

        When it returns, Nginx has said that it has loaded these, and no worker of before takes a new connection.
        Raises DockerError otherwise; `point_back` then undoes it.
        """
        with self.locked():
            nginx = self._container(NGINX_SERVICE)
            workers = self._workers(nginx)
            replace(self.upstream_file(site), upstream(site, hosts, port).encode(), 0o644)
            self._nginx(nginx, "-t", "-q")
            self._reload(nginx, workers)
            if self.loaded(site) != sorted(hosts):
                raise DockerError(f"Nginx was reloaded, but does not send the requests of {site} to the new release")
            return workers

    def point_back(self, site: str, former: str | None, gone: Iterable[str]) -> set[str]:
        """Bring the file of before back, and return when Nginx is known not to send anything to the containers `gone`.

        Returns the worker processes that now drain. Raises DockerError where Nginx may still come to name them.
        """
        with self.locked():
            path = self.upstream_file(site)
            if former is None:
                path.unlink(missing_ok=True)
            else:
                replace(path, former.encode(), 0o644)
            nginx = self._running(NGINX_SERVICE)
            if not nginx:  # whenever it starts, it reads the file
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
        """Tell whether none of the `workers` lives any more."""
        nginx = self._running(NGINX_SERVICE) if workers else ""
        return not (nginx and workers & self._workers(nginx))

    def site_files(self, site: str) -> list[str]:
        """What Nginx has of a site, without its static files and its media."""
        tls = self.root / "tls"
        server, keys = self.root / "conf.d" / f"{site}.conf", self.root / "keys" / f"{site}.pem"
        files = (server, self.upstream_file(site), keys, tls / site, tls / "temporary" / site)
        return [str(file) for file in files if os.path.lexists(file)]

    def remove_site(self, site: str) -> None:
        """Take a site's files away and reload, where Nginx runs."""
        with self.locked():
            for file in self.site_files(site):
                remove(file)
            nginx = self._running(NGINX_SERVICE)
            if nginx:
                self._reload(nginx, self._workers(nginx))
                if self.loaded(site) is not None:
                    raise DockerError(f"Nginx did not let go of {site}: see docker logs {nginx}")

    def _reload(self, nginx: str, workers: set[str]) -> None:
        self._reload_requested = True
        self._nginx(nginx, "-s", "reload")
        if not until(lambda: not workers & self._workers(nginx, accepting=True), RELOAD, 0.05):
            raise DockerError(f"Nginx did not load its new configuration within {RELOAD} seconds")

    def _nginx(self, container: str, *arguments: str) -> None:
        docker("exec", container, "nginx", *arguments, "-c", f"{self.root}/conf/nginx.conf", merge=True, timeout=60)

    def ready(self, names: list[str]) -> bool:
        """Tell whether each of these containers of Nginx runs and has workers."""
        try:
            return all(is_running(item) and bool(self._workers(item["Id"])) for item in inspect(*names))
        except DockerError:  # it has ended since it was looked at
            return False

    @staticmethod
    def _workers(nginx: str, *, accepting: bool = False) -> set[str]:
        """The ids of Nginx's worker processes, or of those that take new connections."""
        rows = (row.split(None, 1) for row in docker("top", nginx, "-eo", "pid,args").splitlines()[1:])
        title = "nginx: worker process"
        return {pid for pid, name in rows if (name.strip() == title if accepting else name.startswith(title))}


def _containers(service: str) -> list[dict[str, Any]]:
    label = "label=com.docker.compose."
    return containers([f"{label}project={PROJECT}", f"{label}service={service}"])
