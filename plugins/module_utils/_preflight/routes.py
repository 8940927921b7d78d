# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a stack's routes. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import front, processes, syntax
from ansible_collections.landfall.django.plugins.module_utils._project.processes import BEAT, WORKER, options_of

NAME = "stack_routes"
_OPTIONS = ("process", "port", "path", "domain", "passwords")
# What Nginx's configuration takes as it is. No part begins with a dot, as certbot's challenges do.
_PATH = re.compile(r"(/[A-Za-z0-9_~@+-][A-Za-z0-9._~@:+-]*)+/")


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    given = values.get(NAME) or {}
    if given and values.get("stack_mode") != "development" and values.get("stack_nginx_root") == "":
        yield f"{NAME}: stack_nginx_root is empty, so no Nginx of the host would send requests: remove one of them."
    for name, options in given.items():
        if not syntax.is_service(name):
            yield f"{NAME}: '{name}' is not the name of a route: use lower-case letters, digits and hyphens."
        elif not isinstance(options, Mapping) or not set(options) <= set(_OPTIONS):
            yield f"{NAME}: {name} is not a dictionary of {', '.join(_OPTIONS)}: write one, without other options."
        else:
            yield from _process(name, options, values)
            yield from _place(name, options, values)
            yield from front.password_problems(f"{NAME}: {name}", options.get("passwords") or {})
    yield from _overlaps(given)


def _process(name: str, options: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    known = values.get("stack_processes") or {}
    process, port = options.get("process"), processes.number_of(options.get("port"))
    if process not in known:
        listed = ", ".join(map(str, known)) or "which is empty"
        yield f"{NAME}: the process of {name}, {process!r}, is not in stack_processes: give one of it ({listed})."
    elif (kind := processes.kind_of(options_of(known[process]).get("command"))) in (WORKER, BEAT):
        yield f"{NAME}: {name} leads to {process}, a Celery {kind}, which listens on no port: give another process."
    if port is None or not 1 <= port <= 65535:
        yield f"{NAME}: the port of {name} is {options.get('port')!r}: give the number on which its process listens."


def _place(name: str, options: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    path, domain = options.get("path"), options.get("domain")
    if bool(path) == bool(domain):
        how_many = "both a path and a domain" if path else "neither a path nor a domain"
        yield f"{NAME}: {name} has {how_many}: give one of the two, such as path: /{name}/."
    elif path:
        yield from _path(name, str(path), values)
    elif not syntax.is_host_name(str(domain)):
        yield f"{NAME}: the domain of {name}, '{domain}', is not a host name: give one such as {name}.example.com."
    else:
        first = next(iter(values.get("stack_domains") or []), None)
        if domain in (first, values.get("nginx_site_canonical_domain")):
            yield (
                f"{NAME}: the domain of {name}, {domain}, is the one at which the project itself is asked for its"
                " health: give another name of its own."
            )


def _path(name: str, path: str, values: Mapping[str, Any]) -> Iterator[str]:
    if not _PATH.fullmatch(path):
        yield f"{NAME}: the path of {name}, '{path}', is not the path of a folder: write it as in /{name}/."
        return
    for variable in ("stack_health_path", "nginx_site_health_path"):
        if str(values.get(variable) or "").startswith(path):
            yield (
                f"{NAME}: the path of {name}, {path}, covers {variable}, {values[variable]}, which is for web: give"
                " another path."
            )
            return


def _overlaps(given: Mapping[str, Any]) -> Iterator[str]:
    places = [
        (name, one, str(options[one]))
        for name, options in given.items()
        if isinstance(options, Mapping)
        for one in ("path", "domain")
        if options.get(one)
    ]
    for (first, kind, one), (second, other_kind, other) in itertools.combinations(places, 2):
        if (kind, one) == (other_kind, other):
            yield f"{NAME}: {first} and {second} have the same {kind}, {one}: give each its own."
