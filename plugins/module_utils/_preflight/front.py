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

from ansible_collections.landfall.django.plugins.module_utils._docker import users
from ansible_collections.landfall.django.plugins.module_utils._front import limits
from ansible_collections.landfall.django.plugins.module_utils._preflight import numbers, syntax

Values = Mapping[str, Any]

# Of the user that Nginx runs as, and its group. No other container of the collection has it.
ACCOUNT_ID = users.FRONT
# An account that only this collection makes, so that one with a former number is removed.
_OWN_USER = "landfall-nginx"

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
# What Nginx's configuration takes as it is, between quotes, and has room for in a map.
_PATH = re.compile(r"/[A-Za-z0-9/._~@:+-]{0,399}")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
# What Nginx says itself, or what belongs to the connection.
_OWN_HEADERS = re.compile(
    r"host|connection|upgrade|http2-settings|te|trailer|transfer-encoding|content-length|keep-alive|expect|x-real-ip"
    r"|x-forwarded-(for|proto|host|port)",
    re.IGNORECASE,
)


def asked(values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell."""
    return {
        "accounts": [values.get("nginx_user") or _OWN_USER, str(ACCOUNT_ID)],
        "engine": True,
        "front_root": values.get("nginx_root") or "/srv/nginx",
    }


def problems_of(values: Values) -> list[str]:
    """All that is wrong; a variable that is not among the values is taken as good."""
    checks: tuple[Iterable[str], ...] = (
        _names(values),
        _canonical(values),
        _passwords(values),
        _allowed(values),
        _sizes(values),
        _buffers(values),
        _private_media(values),
        _logins(values),
        _health(values),
        _proxies(values),
        _headers(values),
        numbers.problems_of(values, "nginx_"),
    )
    return [problem for check in checks for problem in check]


def _names(values: Values) -> Iterator[str]:
    site, user = values.get("nginx_site_name") or "", values.get("nginx_user") or _OWN_USER
    if site and not _SITE.fullmatch(site):
        yield f"nginx_site_name: '{site}' is not a usable name: use up to 40 letters, digits and hyphens."
    if site and not values.get("nginx_site_domains", True):
        yield "nginx_site_domains: it is empty: list the host names of the site, such as [shop.example.com]."
    for domain in values.get("nginx_site_domains") or []:
        if not syntax.is_host_name(str(domain).removeprefix("*.")):
            yield (
                f"nginx_site_domains: '{domain}' is not a host name: give the name alone and in lower case, such as "
                "shop.example.com."
            )
    if not syntax.is_user_name(user) or user == "root":
        yield f"nginx_user: '{user}' cannot be the user of Nginx: give a name of its own, such as {_OWN_USER}."


def _canonical(values: Values) -> Iterator[str]:
    domain = values.get("nginx_site_canonical_domain")
    domains = values.get("nginx_site_domains") or values.get("stack_domains") or []
    if domain and (domain not in domains or not syntax.is_host_name(domain)):
        yield (
            f"nginx_site_canonical_domain: '{domain}' is not a host name of the site, so visitors would be sent "
            f"elsewhere: set it to one of {', '.join(map(str, domains)) or 'the domains of the site'}."
        )


def _passwords(values: Values) -> Iterator[str]:
    yield from password_problems("nginx_site_passwords", values.get("nginx_site_passwords") or {})


def password_problems(place: str, passwords: Any) -> Iterator[str]:
    """What Nginx cannot check. No password is repeated."""
    if not isinstance(passwords, Mapping):
        yield f"{place}: the passwords are not a dictionary: write them as {{user: password}}."
        return
    for user, password in passwords.items():
        if not _USER.fullmatch(str(user)):
            yield (
                f"{place}: '{user}' cannot be the name of a user: use letters, digits and ._@+- only, "
                "and no other character at its beginning than a letter or a digit."
            )
        elif not isinstance(password, str) or not password:
            yield f"{place}: the password of {user} is empty or no text: give one, in quotes."


def _allowed(values: Values) -> Iterator[str]:
    for allowed in values.get("nginx_site_allowed") or []:
        if _network(allowed) is None:
            yield (
                f"nginx_site_allowed: '{allowed}' is neither an address nor a network: give one such as 203.0.113.7 "
                "or 203.0.113.0/24."
            )


def _network(text: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The address or network that a text is, if it is one."""
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        return None


def _sizes(values: Values) -> Iterator[str]:
    size, memory = values.get("nginx_site_client_max_body_size", "0"), values.get("nginx_memory_limit", "128m")
    if not syntax.is_nginx_size(size):
        yield f"nginx_site_client_max_body_size: '{size}' is not a size in Nginx's notation: give one such as 20m."
    if not syntax.is_docker_size(memory):
        yield f"nginx_memory_limit: '{memory}' is not a size in Docker's notation: give one such as 128m."


def _buffers(values: Values) -> Iterator[str]:
    buffers, requests = values.get("nginx_site_buffers"), values.get("nginx_site_requests")
    body = values.get("nginx_site_client_max_body_size", limits.BODY)
    if buffers is None:
        buffers = limits.buffers_for(body) if syntax.is_nginx_size(body) else limits.BUFFERS
    requests = limits.REQUESTS if requests is None else requests
    if not syntax.is_nginx_size(buffers):
        yield f"nginx_site_buffers: '{buffers}' is not a size in Nginx's notation: give one such as 1g."
    elif syntax.is_nginx_size(body) and requests > 1:
        yield from limits.problems_of(buffers, body, requests)


def host_problems(values: Values, probe: Mapping[str, Any]) -> Iterator[str]:
    """What stands in the way of the account that Nginx runs as."""
    user = values.get("nginx_user") or _OWN_USER
    for found in probe["accounts"]:
        if found["account"] == str(ACCOUNT_ID):
            for owner in sorted({found[kind]["name"] for kind in ("user", "group") if found[kind]} - {user}):
                yield (
                    f"nginx_user: Nginx needs the number {ACCOUNT_ID}, which {owner} on the host has: remove {owner}, "
                    f"or give {owner} and its files another number, with usermod, groupmod and chown."
                )
        elif found["account"] == user != _OWN_USER and found["user"] and found["user"]["id"] != ACCOUNT_ID:
            yield (
                f"nginx_user: the host has a user {user} already, with the number {found['user']['id']}: give a name "
                f"that no user has, such as {_OWN_USER}."
            )


def _private_media(values: Values) -> Iterator[str]:
    for folder in values.get("nginx_site_private_media") or []:
        if not _PATH.fullmatch(f"/{folder}") or re.search(r"//|\.\.", str(folder).strip("/")):
            yield (
                f"nginx_site_private_media: '{folder}' is not a folder of the uploads: give its path below them, such "
                "as invoices or users/letters."
            )


def taken_domains(probe: Mapping[str, Any], site: str, domains: Iterable[str], name: str) -> Iterator[str]:
    """The domains of the variable `name` that another site of the host has: Nginx would serve one of the two."""
    for other, taken in sorted((probe.get("sites") or {}).items()):
        for domain in sorted(set(taken) & set(domains)) if other != site else ():
            yield (
                f"{name}: '{domain}' is a host name of the site {other} on this host: give it to one of the two, or "
                f"remove {other} first."
            )


def role_problems(values: Values, probe: Mapping[str, Any]) -> Iterator[str]:
    """What stands in the way of the role alone. It looks again: two stacks of one run may have passed all else."""
    yield from host_problems(values, probe)
    site, domains = values.get("nginx_site_name") or "", values.get("nginx_site_domains") or []
    yield from taken_domains(probe, site, domains, "nginx_site_domains")


def _logins(values: Values) -> Iterator[str]:
    for path in values.get("nginx_site_login_paths") or []:
        if not _PATH.fullmatch(str(path)):
            yield (
                f"nginx_site_login_paths: '{path}' is not a plain path of at most 400 characters: begin it with / and "
                "leave out the query, as in /admin/login/."
            )


def _health(values: Values) -> Iterator[str]:
    path = str(values.get("nginx_site_health_path") or "")
    if path and ("?" in path or not syntax.is_url_path(path)):
        yield (
            f"nginx_site_health_path: '{path}' is not a plain path: begin it with / and leave out the query, as in "
            "/health/."
        )


def _proxies(values: Values) -> Iterator[str]:
    for proxy in values.get("nginx_trusted_proxies") or []:
        network = _network(proxy)
        if network is None:
            yield (
                f"nginx_trusted_proxies: '{proxy}' is neither an address nor a network: give one such as 203.0.113.7 "
                "or 203.0.113.0/24."
            )
        elif network.prefixlen == 0:
            yield (
                f"nginx_trusted_proxies: '{proxy}' is everybody, and anyone could choose the address that is logged: "
                "list your proxies alone."
            )


def _headers(values: Values) -> Iterator[str]:
    names = [str(name) for name in values.get("nginx_trusted_headers") or []]
    for name in names:
        if not _HEADER.fullmatch(name):
            yield f"nginx_trusted_headers: '{name}' is not the name of a header: give one such as Remote-User."
        elif _OWN_HEADERS.fullmatch(name):
            yield f"nginx_trusted_headers: Nginx sets {name} itself: leave it out."
    if len({name.lower() for name in names}) < len(names):
        yield "nginx_trusted_headers: a header is in the list more than once: keep one of each."
    if names and not values.get("nginx_trusted_proxies"):
        yield "nginx_trusted_headers: nobody may send them while nginx_trusted_proxies is empty: list the proxy there."
