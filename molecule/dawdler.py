"""Visitors of a site who never finish: bodies that stop before their end, and answers that nobody reads."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

TIMEOUT = 20
PIECE = b"x" * 2**16


@dataclass
class Held:
    """What is held, until it is closed, and the statuses of what was not let in."""

    connections: list[socket.socket] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


def connect(address: tuple[str, int], name: str, protocol: str, window: int = 0) -> ssl.SSLSocket:
    """Connect to a site whatever its certificate; `window` is how many bytes the kernel takes before they are read."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    plain = socket.socket(socket.AF_INET)
    if window:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    plain.settimeout(TIMEOUT)
    plain.connect(address)
    return context.wrap_socket(plain, server_hostname=name)


def _answered(connection: socket.socket, seconds: float) -> int:
    """The status of an answer that comes within so long, or 0."""
    connection.settimeout(seconds)
    with contextlib.suppress(OSError):
        line = connection.recv(4096).split(b"\r\n", 1)[0].split()
        return int(line[1]) if len(line) > 1 else 0
    return 0


def bodies(
    address: tuple[str, int], name: str, count: int, size: int, *, visitor: str = "", chunked: bool = False
) -> Held:
    """Send `count` bodies of `size` bytes over HTTP/1.1, each but for its last byte.

    `visitor` is the address that a trusted proxy would name.
    """
    held = Held()
    for _ in range(count):
        connection = connect(address, name, "http/1.1")
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        connection.sendall(_head("POST", "/page", name, visitor, length))
        # A refusal comes before the body, and some time later where the machine is busy.
        status = _answered(connection, 0.5)
        if not status:
            _push(connection, size - 1, chunked=chunked)
            status = _answered(connection, 0.1)
        if status:
            held.refused.append(status)
            connection.close()
        else:
            held.connections.append(connection)
    return held


def _push(connection: socket.socket, size: int, *, chunked: bool) -> None:
    """Send so much of a body, or less where the other side hangs up."""
    connection.settimeout(TIMEOUT)
    with contextlib.suppress(OSError):
        for begin in range(0, size, len(PIECE)):
            piece = PIECE[: size - begin]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)


def _head(method: str, path: str, name: str, visitor: str, *lines: str) -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", f"Host: {name}", f"X-Forwarded-For: {visitor}", *lines, "", ""]
    ).encode()


def streams(
    address: tuple[str, int], name: str, count: int, size: int, *, visitor: str = "", method: str = "POST"
) -> Held:
    """Send `count` bodies over one HTTP/2 connection, with no length announced and no end."""
    held = Held()
    connection = connect(address, name, "h2")
    connection.settimeout(2)
    held.connections.append(connection)
    state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    state.initiate_connection()
    head = {":method": method, ":scheme": "https", ":authority": name, ":path": "/page", "x-forwarded-for": visitor}
    rest = {}
    for _ in range(count):
        stream = state.get_next_available_stream_id()
        state.send_headers(stream, list(head.items()))
        rest[stream] = size
    # Whoever is refused may be hung up on.
    with contextlib.suppress(OSError):
        connection.sendall(state.data_to_send())
        while any(rest.values()) and (received := connection.recv(2**16)):
            for event in state.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    held.refused.append(int(dict(event.headers)[b":status"]))
                if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    rest.pop(event.stream_id, None)
            _send(state, rest, connection)
    return held


def _send(state: h2.connection.H2Connection, rest: dict[int, int], connection: socket.socket) -> None:
    """Send as much of the bodies as the server takes now."""
    for stream in rest:
        while room := min(
            rest[stream], state.local_flow_control_window(stream), state.max_outbound_frame_size, len(PIECE)
        ):
            state.send_data(stream, PIECE[:room])
            rest[stream] -= room
            connection.sendall(state.data_to_send())


def readers(address: tuple[str, int], name: str, count: int, path: str, *, visitor: str = "") -> Held:
    """Request `path` over `count` connections, and read nothing."""
    held = Held()
    for _ in range(count):
        connection = connect(address, name, "http/1.1", window=4096)
        connection.sendall(_head("GET", path, name, visitor))
        held.connections.append(connection)
    return held
