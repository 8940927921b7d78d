"""Visitors who hold on to requests and answers: they take a known part of the disk, and keep nobody else out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dawdler
import pytest
from echo_site import Front

# As converge.yml has them.
BODY = 2**20
UPLOADS, UPLOADS_PER_VISITOR = 8, 4
REQUESTS, REQUESTS_PER_VISITOR = 40, 20
ANSWER = 8 * 2**20 // REQUESTS
# Nginx looks at the limit of an answer before it writes the next buffers.
SLACK = 64 * 2**10

# The files that Nginx has open and nobody sees; 512 bytes a block.
OPEN_FILES = (
    "docker exec nginx-nginx-1 find -L /proc -maxdepth 4 -path '/proc/[0-9]*/fd/*' -type f -links 0 -printf '%b %i\\n'"
)
WAYS: dict[str, Callable[..., dawdler.Held]] = {
    "with a length": dawdler.bodies,
    "in chunks": lambda *given, **more: dawdler.bodies(*given, **more, chunked=True),
    "over HTTP/2": dawdler.streams,
    "with a method that mostly has none": lambda *given, **more: dawdler.streams(*given, **more, method="DELETE"),
}


@dataclass
class Crowd:
    """Visitors who come by a trusted proxy, and what they hold."""

    front: Front
    stack: contextlib.ExitStack
    count: int = 0

    def hold(self, way: Callable[..., dawdler.Held], *given: object, visitor: str = "") -> list[int]:
        """Send another visitor, or the one with this address again; return what was refused to him."""
        if not visitor:
            self.count += 1
            visitor = f"198.51.101.{self.count}"
        address, name = (self.front.address, 8443), f"echo.{self.front.host}.test"
        held = way(address, name, *given, visitor=visitor)
        self.stack.callback(held.close)
        return held.refused


@pytest.fixture
def crowd(front, until, on_disk) -> Iterator[Crowd]:
    with contextlib.ExitStack() as stack:
        yield Crowd(front, stack)
    until(lambda: on_disk() == 0 and front.ask("/page").status == 200, seconds=20)


@pytest.fixture
def on_disk(host) -> Callable[[], int]:
    """Tell how many bytes of the disk Nginx holds for requests and answers on their way."""

    def count() -> int:
        with host.sudo():
            lines = set(host.run(OPEN_FILES).stdout.splitlines())
        return sum(int(line.split()[0]) * 512 for line in lines)

    return count


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_bodies_take_so_much_of_the_disk(front, crowd, on_disk, way):
    refused = [crowd.hold(way, 10, BODY) for _ in range(3)]
    assert refused[:2] == [[503] * (10 - UPLOADS_PER_VISITOR)] * 2
    assert refused[2] == [503] * 10
    assert UPLOADS * BODY * 0.9 < on_disk() <= UPLOADS * BODY + SLACK
    # A form fits in memory, and is everybody's still.
    assert front.ask("/page", method="POST", body=b"x" * 9999).status == 200


def test_one_who_holds_bodies_keeps_no_other_upload_out(front, crowd):
    crowd.hold(dawdler.bodies, 10, BODY)
    assert front.ask("/page", method="POST", body=b"x" * BODY, X_Forwarded_For="198.51.101.9").status == 200
    refused = front.ask("/page", method="POST", body=b"x" * BODY, X_Forwarded_For="198.51.101.1")
    assert (refused.status, refused.all("retry-after")) == (503, ["10"])


def test_a_body_where_none_belongs_is_not_kept(crowd, on_disk):
    crowd.hold(lambda *given, **more: dawdler.streams(*given, **more, method="GET"), 20, BODY)
    assert on_disk() == 0


def test_answers_that_nobody_reads_take_so_much_of_the_disk(front, crowd, on_disk, host, until):
    for _ in range(3):
        crowd.hold(dawdler.readers, REQUESTS_PER_VISITOR + 5, "/size/8000000")
    until(lambda: front.ask("/page").status == 503, seconds=10)
    assert 0 < on_disk() <= REQUESTS * (ANSWER + SLACK)
    # Who looks whether the site is well, or proves whose it is, is never refused.
    assert front.ask("/health/").status == 200
    assert front.ask("/static/site.css").status == 200
    assert front.ask("/.well-known/acme-challenge/none", scheme="http").status == 404
    with host.sudo():
        assert host.run("docker exec nginx-nginx-1 curl --silent http://127.0.0.1/").rc == 52
        log = host.check_output("docker logs --tail 200 nginx-nginx-1 2>&1")
    assert 'limiting connections by zone "visitor_requests", client: 198.51.101.' in log
    assert 'limiting connections by zone "site_requests", client: ' in log


def test_an_office_opens_more_websockets_than_requests(front, crowd, until):
    office = "198.51.101.99"

    def full() -> bool:
        # Nginx may still count requests of the test before this one, and refuse some of these.
        crowd.hold(dawdler.readers, REQUESTS_PER_VISITOR, "/size/8000000", visitor=office)
        return front.ask("/page", X_Forwarded_For=office).status == 503

    until(full, seconds=10)
    assert front.ask("/page", X_Forwarded_For=office, Upgrade="websocket").status == 200
