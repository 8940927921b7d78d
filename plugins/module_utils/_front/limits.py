# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits of a site's concurrent requests, so that Nginx's buffers on the disk stay bounded.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# The defaults of the role nginx.
BUFFERS = "1g"
BODY = "20m"
REQUESTS = 500

# The smallest useful buffer for an answer on the disk, in bytes.
_ANSWER_MINIMUM = 64 * 1024
_SIZE = re.compile(r"[0-9]+[kmg]?")
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


# Of an upload: a larger one does not wait in the memory of web, but on the disk (roles/stack/vars/main.yml).
IN_MEMORY = 32 << 20


@dataclass(frozen=True)
class Limits:
    """The limits of a site. One half of its buffers is for request bodies, the other for answers."""

    requests: int
    requests_per_visitor: int
    uploads: int
    uploads_per_visitor: int
    answer: int  # bytes of one answer on the disk


def size(text: object) -> int:
    """Return the bytes of a size in Nginx's notation; 0 for an invalid one."""
    number = str(text).lower()
    if not _SIZE.fullmatch(number):
        return 0
    unit = _UNITS.get(number[-1:], 1)
    return int(number if unit == 1 else number[:-1]) * unit


def buffers_for(body: object) -> str:
    """Return the room that bodies of this size need at least, if that is more than the usual."""
    needed = _least(body)
    return BUFFERS if needed <= size(BUFFERS) else f"{-(-needed // 2**20)}m"


def _least(body: object) -> int:
    # Half of the room is for bodies. Two, so that one visitor cannot keep out all others.
    return 4 * size(body)


def limits(buffers: object, body: object, requests: object) -> Limits:
    """Return the limits for these buffers. A visitor gets at most half of each, so that nobody can use up all."""
    half, count = size(buffers) // 2, int(str(requests))
    uploads = half // size(body)
    return Limits(count, max(1, count // 2), uploads, max(1, uploads // 2), half // count)


def problems_of(buffers: object, body: object, requests: object) -> Iterator[str]:
    """Yield the problems of sizes that do not fit together."""
    if size(body) == 0:
        yield "nginx_site_client_max_body_size: 0 means no limit, so one request could fill the disk: set a size."
        return
    if limits(buffers, body, requests).uploads < 2:
        needed = -(-_least(body) // 2**20)
        yield (
            f"nginx_site_buffers: {buffers} is too small for two bodies of nginx_site_client_max_body_size, {body}: "
            f"set it to {needed}m or more. That is the space that they may use on the host's disk."
        )
    elif limits(buffers, body, requests).answer < _ANSWER_MINIMUM:
        needed = -(-2 * int(str(requests)) * _ANSWER_MINIMUM // 2**20)
        yield (
            f"nginx_site_buffers: {buffers} is too small for the answers to {requests} requests: set it to {needed}m "
            "or more, or lower nginx_site_requests."
        )


def disk_problems(buffers: object, place: dict[str, Any], body: object = BODY) -> Iterator[str]:
    """Yield a problem where the buffers exceed the free space at `place`, as the module host_probe returns it."""
    taken = size(buffers_for(body) if buffers is None else buffers)
    # The project's copies of what Nginx has passed on.
    needed = (taken + taken // 2 if size(body) > IN_MEMORY else taken) // 2**20
    if place["free_mib"] < needed:
        yield (
            f"nginx_site_buffers: uploads and answers may use {needed} MiB of the host's disk, but {place['path']} has "
            f"only {place['free_mib']} MiB free: free some space there, or lower nginx_site_client_max_body_size."
        )
