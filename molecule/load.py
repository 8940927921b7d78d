"""A constant load on a site, as many browsers would make it, that counts every outcome and tries nothing twice.

A request counts as failed when it gets no answer, an answer that is not 200, or one that was cut off. What HTTP/2 calls
unprocessed, the streams above a GOAWAY's last one, is sent again on another connection, as every client does.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
from visitor import CA

TIMEOUT = 30

# h2 takes a connection for closed at the GOAWAY; the protocol lets the streams before it end (RFC 9113, 6.8).
_machine = h2.connection.H2ConnectionStateMachine
_open = h2.connection.ConnectionState.CLIENT_OPEN
_machine._transitions[_open, h2.connection.ConnectionInputs.RECV_GOAWAY] = (None, _open)


@dataclass(frozen=True)
class Outcome:
    """One request: who made it, when it began and ended, the release that answered, what went wrong."""

    client: str
    began: float
    ended: float
    release: str = ""
    problem: str = ""


@dataclass
class Load:
    """Clients of one site; `with load:` runs them."""

    address: str
    name: str
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = time.time()
        self.stopping = threading.Event()
        self.numbers = itertools.count()
        clients = [
            # Busy: GET and POST in turn on a kept connection.
            *[lambda: self._kept("busy", lambda: random.uniform(0, 0.1), self._mixed)] * 4,
            # Idle ones that come back shortly before the server would hang up.
            *[lambda: self._kept("idle", lambda: random.uniform(1, 8), self._page)] * 4,
            # Always one long request in flight.
            lambda: self._kept("slow", lambda: 0, lambda: ("GET", "/slow/?seconds=8", None)),
            # A connection for each request.
            lambda: self._kept("fresh", lambda: 0.1, self._mixed, keep=False),
            *[self._http2] * 2,
        ]
        self.threads = [threading.Thread(target=self._guarded, args=(client,)) for client in clients]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def failures(self) -> list[str]:
        """What failed, and when."""
        return [
            f"{one.client} at {one.began:.2f} for {one.ended - one.began:.2f} s: {one.problem}"
            for one in self.done()
            if one.problem
        ]

    def done(self) -> list[Outcome]:
        return list(self.outcomes)

    def releases_since(self, moment: float) -> set[str]:
        """The releases that answered requests which began after a moment."""
        return {one.release for one in self.done() if one.began > moment and not one.problem}

    def _guarded(self, client: Callable[[], None]) -> None:
        try:
            client()
        except Exception as error:  # noqa: BLE001 - a client that dies is a failed request, whatever it died of
            self.outcomes.append(Outcome("a client", time.time(), time.time(), problem=f"died: {error!r}"))

    def _page(self) -> tuple[str, str, str | None]:
        return ("GET", "/", None)

    def _mixed(self) -> tuple[str, str, str | None]:
        number = next(self.numbers)
        return ("POST", "/note/", f"note {number} {random.random()}") if number % 3 == 0 else ("GET", "/", None)

    # HTTP/1.1

    def _kept(
        self,
        client: str,
        think: Callable[[], float],
        request: Callable[[], tuple[str, str, str | None]],
        *,
        keep: bool = True,
    ) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self.stopping.is_set():
            method, path, body = request()
            began = time.time()
            try:
                connection = connection or self._connect()
                connection.request(method, path, body=body, headers={"Host": self.name})
                response = connection.getresponse()
                content = response.read()
                release, problem = _verdict(response.status, content)
                closing = response.will_close
            except (OSError, http.client.HTTPException) as error:
                release, problem, closing = "", f"{method} {path}: {error!r}", True
            self.outcomes.append(Outcome(client, began, time.time(), release, problem))
            if connection and (closing or not keep):
                connection.close()
                connection = None
            self.stopping.wait(think())

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, 443, timeout=TIMEOUT)
        connection.sock = self._secure("http/1.1")
        return connection

    def _secure(self, protocol: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(CA))
        context.set_alpn_protocols([protocol])
        plain = socket.create_connection((self.address, 443), timeout=TIMEOUT)
        return context.wrap_socket(plain, server_hostname=self.name)

    # HTTP/2

    def _http2(self) -> None:
        again = 0  # streams that the server said it had not seen
        while not self.stopping.is_set():
            with contextlib.closing(Streams(self)) as streams:
                for _ in range(again):
                    streams.open()
                while not streams.leaving and not self.stopping.is_set():
                    while len(streams.open_since) < 3:
                        streams.open()
                    streams.receive()
                    self.stopping.wait(random.uniform(0, 0.1))
                while streams.open_since:
                    streams.receive()
                again = streams.unprocessed


def _verdict(status: int, content: bytes) -> tuple[str, str]:
    if status != 200:
        return "", f"status {status}"
    try:
        answer = json.loads(content)
    except ValueError:
        return "", f"cut off after {len(content)} bytes"
    # The same text twice: the request was made twice on the way.
    return answer["release"], "doubled" if answer.get("same", 1) != 1 else ""


class Streams:
    """The streams of one HTTP/2 connection."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.open_since: dict[int, float] = {}
        self.status: dict[int, int] = {}
        self.content: dict[int, bytes] = {}
        self.leaving = False
        self.unprocessed = 0
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.sock = load._secure("h2")
        self.connection.initiate_connection()
        self._send()

    def close(self) -> None:
        self.sock.close()

    def open(self) -> None:
        method, path, body = self.load._mixed()
        stream = self.connection.get_next_available_stream_id()
        headers = [(":method", method), (":path", path), (":scheme", "https"), (":authority", self.load.name)]
        self.connection.send_headers(stream, headers, end_stream=body is None)
        if body is not None:
            self.connection.send_data(stream, body.encode(), end_stream=True)
        self.open_since[stream] = time.time()
        self._send()

    def receive(self) -> None:
        """Take what the server says next; streams that it leaves open when it hangs up have failed."""
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            data = b""
            problem = repr(error)
        else:
            problem = "" if data else "the connection was closed"
        for event in self.connection.receive_data(data) if data else ():
            self._take(event)
        if not data:
            self.leaving = True
            for stream in list(self.open_since):
                self._end(stream, "", f"HTTP/2: {problem}")
        else:
            self._send()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self.status[event.stream_id] = int(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.DataReceived):
            self.content[event.stream_id] = self.content.get(event.stream_id, b"") + event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._end(event.stream_id, *_verdict(self.status[event.stream_id], self.content.get(event.stream_id, b"")))
        elif isinstance(event, h2.events.StreamReset):
            self._end(event.stream_id, "", f"HTTP/2: reset with {event.error_code}")
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.leaving = True
            for stream in [stream for stream in self.open_since if stream > event.last_stream_id]:
                del self.open_since[stream]
                self.unprocessed += 1

    def _end(self, stream: int, release: str, problem: str) -> None:
        began = self.open_since.pop(stream, None)
        if began is not None:
            self.load.outcomes.append(Outcome("http/2", began, time.time(), release, problem))

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # a server that hung up: `receive` tells what that means
            self.sock.sendall(self.connection.data_to_send())


@contextlib.contextmanager
def on(address: str, name: str) -> Iterator[Load]:
    """Keep a load on a site; nothing may have failed at the end."""
    with Load(address, name) as load:
        yield load
    assert len(load.done()) > 50, "the load was none"
    failed = load.failures()
    assert not failed, f"{len(failed)} of {len(load.done())} requests failed: {failed[:20]}"
