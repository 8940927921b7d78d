# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file by which Nginx knows the containers of a site, and what Nginx says of it once it is loaded.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route, server

# Socket inside Nginx's container that answers which containers are loaded; the file only says which should be.
SOCKET = "/run/loaded.sock"
_UNTIL_RESOLVED = "backup"
# gunicorn closes an idle connection after 10 s (stack_web_command): Nginx must close it earlier.
_UPSTREAM = """upstream {name} {{
    zone {name} 128k;
{servers}
    keepalive 32;
    keepalive_timeout 5s;
}}
"""
_FILE = """# Written by landfall.django.release: changes here are lost.
{upstreams}server {{
    listen unix:{socket};
    server_name {site};
    access_log off;
    return 200 "{loaded}";
}}
"""


def upstream(
    site: str,
    hosts: Mapping[str, str],
    port: int,
    routes: Iterable[tuple[Route, Mapping[str, str]]] = (),
    root: str = "",
) -> str:
    """Return the file of `site` with the containers `hosts`, each with its address on the front's network, and with
    those of each route.

    Nginx resolves a name again whenever its address changes, but knows none for the first moments after a reload: until
    then it uses the address.
    """
    routes = list(routes)
    upstreams = _upstream(site, hosts, port)
    for route, its in routes:
        upstreams += _upstream(f"{site}.{route.name}", its, route.port) + server(root, site, route)
    names = sorted({*hosts, *(name for _route, its in routes for name in its)})
    return _FILE.format(upstreams=upstreams, site=site, socket=SOCKET, loaded=" ".join([f"{site}:", *names]))


def _upstream(name: str, hosts: Mapping[str, str], port: int) -> str:
    # In one order, whichever of them is older.
    names = sorted(hosts)
    servers = [f"    server {host}:{port} resolve max_fails=0;" for host in names]
    servers += [f"    server {hosts[host]}:{port} {_UNTIL_RESOLVED} max_fails=0;" for host in names if hosts[host]]
    return _UPSTREAM.format(name=name, servers="\n".join(servers))


def without_addresses(text: str) -> str:
    """The file without what a restart of a container changes."""
    return "".join(line for line in text.splitlines(keepends=True) if _UNTIL_RESOLVED not in line.split())


def loaded(site: str, answer: str) -> list[str] | None:
    """Return the containers in Nginx's answer for `site`; None where it has no such site loaded."""
    # For an unknown name, Nginx answers with the first site.
    name, colon, hosts = answer.strip().partition(":")
    return hosts.split() if colon and name == site else None
