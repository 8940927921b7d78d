"""Prints the TCP ports of an address that answer: scan.py ADDRESS [PORT...], all of them without a port.

Runs on a host, by its own Python.
"""

from __future__ import annotations

import errno
import resource
import select
import socket
import sys
import time
from contextlib import ExitStack

AT_ONCE = 4000
# From when the last SYN of a batch was sent; one that was lost is sent again after one second.
SECONDS = 1.5


def scan(address: str, ports: list[int]) -> list[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The neighbour's address has to be known before so many ask for it that most are forgotten.
    found = batch(family, address, ports[:1])
    for first in range(1, len(ports), AT_ONCE):
        found += batch(family, address, ports[first : first + AT_ONCE])
    return found


def batch(family: int, address: str, ports: list[int]) -> list[int]:
    with ExitStack() as stack, select.epoll() as poll:
        sockets = {}
        for port in ports:
            one = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            one.setblocking(False)
            # Where there is no way at all, it is said at once, and the socket has no failure to tell of.
            if one.connect_ex((address, port)) not in (0, errno.EINPROGRESS):
                continue
            poll.register(one, select.EPOLLOUT | select.EPOLLONESHOT)
            sockets[one.fileno()] = (port, one)
        # Whatever answered is known to the kernel by then, however late this process is.
        end = time.monotonic() + SECONDS
        answered: set[int] = set()
        while len(answered) < len(sockets):
            left = end - time.monotonic()
            answered.update(number for number, _event in poll.poll(max(left, 0)))
            if left < 0:
                break
        return sorted(port for port, one in map(sockets.__getitem__, answered) if not failure(one))


def failure(connecting: socket.socket) -> int:
    return connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * AT_ONCE, 2 * AT_ONCE))
    wanted = [int(port) for port in sys.argv[2:]] or list(range(1, 65536))
    print(*scan(sys.argv[1], wanted))
