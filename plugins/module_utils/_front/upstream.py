# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file by which Nginx knows the containers of a site, and what Nginx says of it once it is loaded.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping

# Socket inside Nginx's container that answers which containers are loaded; the file only says which should be.
SOCKET = "/run/loaded.sock"
_UNTIL_RESOLVED = "backup"
# gunicorn closes an idle connection after 10 s (stack_web_command): Nginx must close it earlier.
_UPSTREAM = """# Written by landfall.django.release: changes here are lost.
upstream {site} {{
    zone {site} 128k;
{servers}
    keepalive 32;
    keepalive_timeout 5s;
}}
server {{
    listen unix:{socket};
    server_name {site};
    access_log off;
    return 200 "{loaded}";
}}
"""


def upstream(site: str, hosts: Mapping[str, str], port: int) -> str:
    """Return the file of `site` with the containers `hosts`, each with its address on the front's network.

    Nginx resolves a name again whenever its address changes, but knows none for the first moments after a reload: until
    then it uses the address.
    """
    # In one order, whichever of them is older.
    names = sorted(hosts)
    servers = [f"    server {name}:{port} resolve max_fails=0;" for name in names]
    servers += [f"    server {hosts[name]}:{port} {_UNTIL_RESOLVED} max_fails=0;" for name in names if hosts[name]]
    return _UPSTREAM.format(site=site, servers="\n".join(servers), socket=SOCKET, loaded=" ".join([f"{site}:", *names]))


def without_addresses(text: str) -> str:
    """The file without what a restart of a container changes."""
    return "".join(line for line in text.splitlines(keepends=True) if _UNTIL_RESOLVED not in line.split())


def loaded(site: str, answer: str) -> list[str] | None:
    """Return the containers in Nginx's answer for `site`; None where it has no such site loaded."""
    # For an unknown name, Nginx answers with the first site.
    name, colon, hosts = answer.strip().partition(":")
    return hosts.split() if colon and name == site else None
