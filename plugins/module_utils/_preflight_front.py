# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of the front. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_SERVER_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_SIZE = re.compile(r"[0-9]+[kKmMgG]?")
_MEMORY = re.compile(r"[1-9][0-9]*[bkmgBKMG]?")
# What Nginx's configuration takes as it is, between quotes.
_PATH = re.compile(r"/[A-Za-z0-9/._~@:+-]*")


def problems_of(values: Values) -> list[str]:
    """All that is wrong; a variable that is not among the values is taken as good."""
    checks: tuple[Iterable[str], ...] = (
        _names(values),
        _sizes(values),
        _logins(values),
        _proxies(values),
    )
    return [problem for check in checks for problem in check]


def _names(values: Values) -> Iterator[str]:
    site, user = values.get("nginx_site_name") or "", values.get("nginx_user", "nginx")
    if site and not _SITE.fullmatch(site):
        yield f"nginx_site_name: '{site}' is not a usable name: use up to 40 letters, digits and hyphens."
    if site and not values.get("nginx_site_domains", True):
        yield "nginx_site_domains: it is empty: list the host names of the site, such as [shop.example.com]."
    for domain in values.get("nginx_site_domains") or []:
        if not _SERVER_NAME.fullmatch(str(domain)):
            yield f"nginx_site_domains: '{domain}' is not a host name: give the name alone, such as shop.example.com."
    if not _USER.fullmatch(user) or user == "root":
        yield f"nginx_user: '{user}' cannot be the user of Nginx: give the name of a user of its own."


def _sizes(values: Values) -> Iterator[str]:
    size, memory = values.get("nginx_site_client_max_body_size", "0"), values.get("nginx_memory_limit", "128m")
    if not _SIZE.fullmatch(str(size)):
        yield f"nginx_site_client_max_body_size: '{size}' is not a size of Nginx's: give one such as 20m."
    if not _MEMORY.fullmatch(str(memory)):
        yield f"nginx_memory_limit: '{memory}' is not a size of Docker's: give one such as 128m."


def _logins(values: Values) -> Iterator[str]:
    for path in values.get("nginx_site_login_paths") or []:
        if not _PATH.fullmatch(str(path)):
            yield (
                f"nginx_site_login_paths: '{path}' is not a plain path: begin it with / and leave out the query, "
                "as in /admin/login/."
            )


def _proxies(values: Values) -> Iterator[str]:
    for proxy in values.get("nginx_trusted_proxies") or []:
        try:
            network = ipaddress.ip_network(str(proxy), strict=False)
        except ValueError:
            yield (
                f"nginx_trusted_proxies: '{proxy}' is neither an address nor a network: give one such as 203.0.113.7 "
                "or 203.0.113.0/24."
            )
            continue
        if network.prefixlen == 0:
            yield f"nginx_trusted_proxies: '{proxy}' is everybody: anyone could choose the address that is logged."
