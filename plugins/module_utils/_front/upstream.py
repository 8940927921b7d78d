# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file by which Nginx knows the containers of a site, and what Nginx says of it once it is loaded.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable

# Inside Nginx's container: asked what is loaded, it answers; a file on the disk only says what should be.
SOCKET = "/run/loaded.sock"
# gunicorn keeps an idle connection for 10 s (stack_web_command): Nginx must let go of it first.
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
    """Return the file of `site` with the containers `hosts`, resolved again whenever their address changes."""
    # In one order, whichever of them is older.
    names = sorted(hosts)
    servers = "\n".join(f"    server {name}:{port} resolve max_fails=0;" for name in names)
    return _UPSTREAM.format(site=site, servers=servers, socket=SOCKET, loaded=" ".join([f"{site}:", *names]))


def loaded(site: str, answer: str) -> list[str] | None:
    """The containers that Nginx has loaded for `site`, from its answer; None where it knows no such site."""
    # The first site of all answers for a name that it does not know.
    name, colon, hosts = answer.strip().partition(":")
    return hosts.split() if colon and name == site else None
