# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routes of a site: requests under a path, or for a host name, that go to another process than web.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The variables of Nginx that conf.d/<site>.server sets and uses: the upstream, and the file of passwords.
_SET = """    set $backend_{id} {site}.{name};
"""
_SET_GUARD = """    set $guard_{id} {site}.{name};
"""
_LOCATION = """location {path} {{
{settings}    try_files /dev/null @$kind;
}}
"""
_SERVER = """server {{
    http2 on;
    server_name {domain};
    include {root}/conf.d/{site}.server;
{settings}}}
"""


@dataclass(frozen=True)
class Route:
    """Either a `path` or a `domain`, whose requests go to `port` of the containers of `process`.

    One that is `guarded` has passwords of its own. They are not part of it, because a release is recorded with it.
    """

    name: str
    process: str
    port: int
    path: str = ""
    domain: str = ""
    guarded: bool = False


def routes(given: Any) -> list[Route]:
    """Return the routes of `stack_routes`. The preflight says what is wrong with others, which are left out."""
    if not isinstance(given, Mapping):
        return []
    return [
        Route(
            name,
            str(options["process"]),
            int(options["port"]),
            str(options.get("path") or ""),
            str(options.get("domain") or ""),
            bool(options.get("passwords")),
        )
        for name, options in given.items()
        if isinstance(options, Mapping) and "process" in options and str(options.get("port")).isdecimal()
    ]


def location(site: str, route: Route) -> str:
    """Return the location of a path, for the site's own server."""
    return _LOCATION.format(path=route.path, settings=_settings(site, route)) if route.path else ""


def server(root: str, site: str, route: Route) -> str:
    """Return the server of a host name: all of the site's but its locations."""
    if not route.domain:
        return ""
    return _SERVER.format(domain=route.domain, root=root, site=site, settings=_settings(site, route))


def _settings(site: str, route: Route) -> str:
    text = _SET + (_SET_GUARD if route.guarded else "")
    return text.format(id=site.replace("-", "_"), site=site, name=route.name)
