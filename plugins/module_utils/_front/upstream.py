# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file by which Nginx knows the containers of a site, and what Nginx says of it once it is loaded.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable

# Socket inside Nginx's container that answers which containers are loaded; the file only says which should be.
SOCKET = "/run/loaded.sock"
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


def upstream(site: str, hosts: Iterable[str], port: int) -> str:
    """Return the upstream file of `site` with the containers `hosts`. Nginx resolves their names again and again."""
    # Sorted, so that the same containers make the same file.
    names = sorted(hosts)
    servers = "\n".join(f"    server {name}:{port} resolve max_fails=0;" for name in names)
    return _UPSTREAM.format(site=site, servers=servers, socket=SOCKET, loaded=" ".join([f"{site}:", *names]))


def loaded(site: str, answer: str) -> list[str] | None:
    """Return the containers in Nginx's answer for `site`; None where it has no such site loaded."""
    # For an unknown name, Nginx answers with the first site.
    name, colon, hosts = answer.strip().partition(":")
    return hosts.split() if colon and name == site else None
