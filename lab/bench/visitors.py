"""A few visitors of a site, who count what they get while something happens to it, and one who waits for news."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import ssl
import threading
import time
from types import TracebackType

from lab.services import SITE_CA

KEPT = 4  # visitors who keep their connection; one more makes a new one each time
THINK = 0.03  # seconds between two requests of one of them
LOOK = 0.05  # seconds between two looks of who waits for news
TIMEOUT = 15


class Visitors:
    """Ask for /health/ from `with` to its end."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self.name = name
        self.requests = 0
        self.failed = 0
        self.answers: list[float] = []
        self.trust = ssl.create_default_context(cafile=str(SITE_CA))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(keep,)) for keep in (*[True] * KEPT, False)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def gap(self) -> float:
        """The longest time in seconds in which nobody got an answer."""
        answers = sorted(self.answers)
        return max((after - before for before, after in itertools.pairwise(answers)), default=0.0)

    def _visit(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            good = closing = False
            try:
                connection = connection or self._connect()
                connection.request("GET", "/health/", headers={"Host": self.name})
                answer = connection.getresponse()
                answer.read()
                good, closing = answer.status == 200, answer.will_close
            except (OSError, http.client.HTTPException):
                closing = True
            with self._lock:
                self.requests += 1
                self.failed += not good
                if good:
                    self.answers.append(time.monotonic())
            if connection and (closing or not keep):
                connection.close()
                connection = None
            self._stop.wait(THINK)

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, 443, timeout=TIMEOUT)
        plain = socket.create_connection((self.address, 443), timeout=TIMEOUT)
        connection.sock = self.trust.wrap_socket(plain, server_hostname=self.name)
        return connection


def page(address: str, name: str) -> str:
    """The front page of a site, over HTTPS with a certificate that verifies. Raises OSError."""
    trust = ssl.create_default_context(cafile=str(SITE_CA))
    with (
        socket.create_connection((address, 443), timeout=TIMEOUT) as plain,
        trust.wrap_socket(plain, server_hostname=name) as connection,
    ):
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")


class Watch:
    """Asks for the front page, from `with` to its end, until there is something in it; `seen` says when that was."""

    def __init__(self, address: str, name: str, mark: str) -> None:
        self.address = address
        self.name = name
        self.mark = mark
        self.seen = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                if self.mark in page(self.address, self.name):
                    self.seen = time.time()
                    return
            self._stop.wait(LOOK)
