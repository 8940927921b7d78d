# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Point the host's Nginx at other containers without losing a request.

Private to this collection.
"""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _lock
from ansible_collections.landfall.django.plugins.module_utils._compose import Compose, service_of
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, containers, docker, inspect

PROJECT = "nginx"
HOLDER_SERVICE = "edge"
NGINX_SERVICE = "nginx"
NETWORK = "0_nginx"  # its own, see roles/nginx/templates/compose.yaml.j2
SERVICES = (HOLDER_SERVICE, NGINX_SERVICE)
_START = 20  # seconds for a container of Nginx to have workers
_RELOAD = 30  # seconds for Nginx to start its new workers
_PATIENCE = 120  # seconds for another release to be done with Nginx
# gunicorn keeps an idle connection for 10 s (stack_web_command): Nginx must let go of it first.
_UPSTREAM = """# Written by landfall.django.rollout: changes here are lost.
upstream {name} {{
    zone {name} 128k;
{servers}
    keepalive 32;
    keepalive_timeout 5s;
}}
"""


def upstream(name: str, hosts: Iterable[str], port: int) -> str:
    """Return the upstream block `name` with the containers `hosts`, resolved again whenever their address changes."""
    # In one order, whichever of them is older: the text tells whether anything has changed.
    servers = "\n".join(f"    server {host}:{port} resolve max_fails=0;" for host in sorted(hosts))
    return _UPSTREAM.format(name=name, servers=servers)


class Front:
    """The front on this host: the holder, which owns the ports and the networks, and Nginx inside it."""

    def __init__(self, root: str):
        self.root = Path(root)

    def _alone(self) -> AbstractContextManager[None]:
        """One at a time: the releases of several stacks may want Nginx to reload, or another Nginx, at once."""
        return _lock.held(self.root / ".lock", "another release", patience=_PATIENCE)

    def _container(self, service: str) -> str:
        found = containers(
            [f"label=com.docker.compose.project={PROJECT}", f"label=com.docker.compose.service={service}"]
        )
        running = [item["Name"].lstrip("/") for item in found if item["State"]["Running"]]
        if not running:
            raise DockerError(
                f"the front's container {service} is not running: apply the role landfall.django.nginx,"
                " or set stack_nginx_root to '' where another server stands in front"
            )
        return running[0]

    def up(self) -> list[str]:
        """Have the holder and Nginx run as their compose.yaml says. Return what had to be done, in words.

        Nginx is replaced beside itself and loses nothing. To replace the holder is the one outage there is.
        """
        with self._alone():
            return self._up()

    def _up(self) -> list[str]:
        compose = Compose(str(self.root), PROJECT)
        found = compose.containers()
        counts = Counter(service_of(item) for item in found.values())
        old = compose.outdated((), SERVICES, dict(counts))
        holders = [item for item in found.values() if service_of(item) == HOLDER_SERVICE]
        if not holders or not _runs(holders[0]) or old & {item["Name"].lstrip("/") for item in holders}:
            networks = {name for item in holders for name in item["NetworkSettings"]["Networks"]}
            compose("up", "--detach")
            # Not for Compose to wait: it would wait for the first health check.
            if not self._ready(compose.names(NGINX_SERVICE)):
                raise DockerError(f"Nginx does not run. {_last_words(compose.names(NGINX_SERVICE))}")
            for network in sorted(networks - {NETWORK}):
                if not self.connected(network):
                    self.connect(network)
            return ["start the holder and Nginx"]
        servers = {name: _runs(item) for name, item in found.items() if service_of(item) == NGINX_SERVICE}
        good = [name for name, runs in servers.items() if runs and name not in old]
        rest = sorted(set(servers) - set(good[:1]))
        done = []
        if not good:
            dead = [name for name in rest if not servers[name]]
            if dead:
                docker("rm", "--force", *dead)
            self._start_beside(compose, len(servers) - len(dead) + 1)
            done.append("start a new Nginx")
        if leaving := [name for name in rest if servers[name]]:
            docker("stop", *leaving)
            done.append("stop the former Nginx")
        if rest:
            docker("rm", "--force", *rest)
        return done or (["remove a stopped Nginx"] if rest else [])

    def _start_beside(self, compose: Compose, count: int) -> None:
        before = set(compose.names(NGINX_SERVICE))
        # Both are named: what Compose writes on a container tells whether the one it depends on was.
        compose("up", "--detach", "--no-recreate", f"--scale={NGINX_SERVICE}={count}", *SERVICES)
        new = sorted(set(compose.names(NGINX_SERVICE)) - before)
        if not self._ready(new):
            said = _last_words(new)
            docker("rm", "--force", *new)
            raise DockerError(f"the new Nginx does not run, so the former one stays. {said}")

    def _ready(self, names: list[str]) -> bool:
        """Wait until these containers of Nginx have workers."""

        def ready() -> bool:
            try:
                return all(_runs(item) and bool(self._workers(item["Id"])) for item in inspect(*names))
            except DockerError:  # it has ended since it was looked at
                return False

        return wait(ready, _START, 0.1)

    def connected(self, network: str) -> bool:
        """Tell whether the holder is on `network`."""
        return network in inspect(self._container(HOLDER_SERVICE))[0]["NetworkSettings"]["Networks"]

    def connect(self, network: str) -> None:
        """Connect the holder to `network`; it stays so over restarts."""
        docker("network", "connect", network, self._container(HOLDER_SERVICE))

    def upstream_file(self, name: str) -> Path:
        return self.root / "upstreams" / f"{name}.conf"

    def point(self, name: str, text: str) -> set[str]:
        """Replace the upstream file and reload. Return the ids of the worker processes that now drain.

        When it returns, none of them takes a new connection any more. Where Nginx refuses the new file, the former one
        is put back and DockerError raised.
        """
        with self._alone():
            return self._point(self.upstream_file(name), text)

    def _point(self, path: Path, text: str) -> set[str]:
        former = path.read_text() if path.exists() else None
        nginx = self._container(NGINX_SERVICE)
        workers = self._workers(nginx)
        _replace(path, text)
        try:
            docker("exec", nginx, "nginx", "-t", "-q", "-c", f"{self.root}/conf/nginx.conf", merge=True)
        except DockerError:
            if former is not None:
                _replace(path, former)
            raise
        docker("exec", nginx, "nginx", "-s", "reload", "-c", f"{self.root}/conf/nginx.conf", merge=True)
        if not wait(lambda: not workers & self._workers(nginx, accepting=True), _RELOAD, 0.05):
            raise DockerError(f"Nginx did not take over its new configuration within {_RELOAD} seconds")
        return workers

    def withdraw(self, name: str) -> bool:
        """Take a site's files away and reload. Return whether there were any."""
        with self._alone():
            files = [
                self.root / "conf.d" / f"{name}.conf",
                self.upstream_file(name),
                self.root / "tls" / name,
                self.root / "keys" / f"{name}.pem",
            ]
            present = [file for file in files if os.path.lexists(file)]
            for file in present:
                file.unlink()
            if present:
                nginx = self._container(NGINX_SERVICE)
                docker("exec", nginx, "nginx", "-s", "reload", "-c", f"{self.root}/conf/nginx.conf", merge=True)
            shutil.rmtree(self.root / "tls" / "temporary" / name, ignore_errors=True)
            return bool(present)

    def disconnect(self, network: str) -> None:
        """Take the holder off `network`, if it is on it."""
        if self.connected(network):
            docker("network", "disconnect", network, self._container(HOLDER_SERVICE))

    def drained(self, workers: set[str]) -> bool:
        """Tell whether none of the `workers` lives any more. False also where the reload never happened."""
        return not workers & self._workers(self._container(NGINX_SERVICE))

    @staticmethod
    def _workers(nginx: str, *, accepting: bool = False) -> set[str]:
        """The ids of Nginx's worker processes, or of those that take new connections."""
        rows = (row.split(None, 1) for row in docker("top", nginx, "-eo", "pid,args").splitlines()[1:])
        title = "nginx: worker process"
        return {pid for pid, name in rows if (name.strip() == title if accepting else name.startswith(title))}


def _last_words(names: list[str]) -> str:
    said = "\n".join(docker("logs", "--tail", "20", name, merge=True) for name in names)
    return f"Its last lines:\n{said}"


def _runs(item: dict[str, Any]) -> bool:
    return bool(item["State"]["Running"] and not item["State"]["Restarting"])


def request(port: int, host: str, path: str, timeout: float = 10) -> int:
    """Return the status of a GET over HTTPS through the front on this host, as a visitor of `host` would send it.

    Raises OSError where there is no answer, or none that is HTTP.
    """
    # The certificate may still be the temporary one; the role letsencrypt checks the real one.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.connect()
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__} {error}".strip()) from error
    finally:
        connection.close()


def wait(done: Callable[[], bool], seconds: float, every: float) -> bool:
    """Call `done` until it returns true, `every` so many seconds, for at most `seconds`; return its last answer."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def _replace(path: Path, text: str) -> None:
    candidate = path.with_suffix(".new")
    candidate.write_text(text)
    os.chmod(candidate, 0o644)
    os.replace(candidate, path)
