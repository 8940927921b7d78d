# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many requests of a site may be on their way at once, so that what Nginx buffers on the disk stays bounded.

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

# Less than this of an answer on the disk would not be worth a file.
_ANSWER_MINIMUM = 64 * 1024
_SIZE = re.compile(r"[0-9]+[kmg]?")
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


@dataclass(frozen=True)
class Limits:
    """Of a site: one half of its buffers is for the bodies of requests, the other for answers."""

    requests: int
    requests_per_visitor: int
    uploads: int
    uploads_per_visitor: int
    answer: int  # bytes of one answer on the disk


def size(text: object) -> int:
    """The bytes of a size in Nginx's notation; 0 of what is none."""
    number = str(text).lower()
    if not _SIZE.fullmatch(number):
        return 0
    unit = _UNITS.get(number[-1:], 1)
    return int(number if unit == 1 else number[:-1]) * unit


def limits(buffers: object, body: object, requests: object) -> Limits:
    """Share the buffers out. A visitor gets half of each: nobody fills a site alone."""
    half, count = size(buffers) // 2, int(str(requests))
    uploads = half // size(body)
    return Limits(count, max(1, count // 2), uploads, max(1, uploads // 2), half // count)


def problems_of(buffers: object, body: object, requests: object) -> Iterator[str]:
    """What cannot be shared out: sizes that do not fit together."""
    if size(body) == 0:
        yield "nginx_site_client_max_body_size: 0 is no limit, and would let one request fill the disk: give a size."
        return
    # Two, so that one visitor cannot keep out all others.
    if limits(buffers, body, requests).uploads < 2:
        needed = -(-4 * size(body) // 2**20)
        yield (
            f"nginx_site_buffers: {buffers} has no room for two bodies of nginx_site_client_max_body_size, {body}: set "
            f"it to {needed}m or more, which is what they may take of the host's disk."
        )
    elif limits(buffers, body, requests).answer < _ANSWER_MINIMUM:
        needed = -(-2 * int(str(requests)) * _ANSWER_MINIMUM // 2**20)
        yield (
            f"nginx_site_buffers: {buffers} has no room for the answers to {requests} requests: set it to {needed}m or "
            "more, or lower nginx_site_requests."
        )


def disk_problems(buffers: object, place: dict[str, Any]) -> Iterator[str]:
    """Whether the buffers fit in what is free at `place`, as the module host_probe tells it."""
    needed = size(BUFFERS if buffers is None else buffers) // 2**20
    if place["free_mib"] < needed:
        yield (
            f"nginx_site_buffers: {needed} MiB of the host's disk may be taken, and {place['free_mib']} MiB are free "
            f"for {place['path']}: free some space there, or lower nginx_site_buffers."
        )
