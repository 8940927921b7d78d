# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Send alarms and pings to a URL, which is a secret: no message repeats it.

A redirect is not followed, because a POST would not arrive by it. Private to this collection.
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_TIMEOUT = 10  # seconds for one answer


@dataclass(frozen=True)
class Request:
    """A POST, as http.client wants it."""

    secure: bool
    host: str
    port: int | None
    path: str
    headers: dict[str, str] = field(default_factory=dict)


def request(url: str, kind: str) -> Request:
    """Return the request for a URL. Raises ValueError, without the URL, where it is none of HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("it is not a URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or set(url) & set(" \r\n\t"):
        raise ValueError("it is not a URL that begins with https:// or http:// and has no spaces")
    headers = {"Content-Type": kind, "User-Agent": "landfall.django"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(parts.scheme == "https", parts.hostname, port, path, headers)


def failure_url(url: str) -> str:
    """Return the URL that takes failures, by the protocol of healthchecks.io."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/fail").geturl()


def send(url: str, body: bytes, kind: str) -> int:
    """Send a POST, and return the status of the answer. Raises OSError where there is none."""
    try:
        wanted = request(url, kind)
    except ValueError as error:
        raise OSError(str(error)) from error
    connection = (
        http.client.HTTPSConnection(wanted.host, wanted.port, timeout=_TIMEOUT, context=ssl.create_default_context())
        if wanted.secure
        else http.client.HTTPConnection(wanted.host, wanted.port, timeout=_TIMEOUT)
    )
    try:
        connection.request("POST", wanted.path, body, wanted.headers)
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"the answer is not HTTP ({type(error).__name__})") from error
    finally:
        connection.close()


def problem(status: int) -> str:
    """Return what is wrong with a status; empty if the message was taken."""
    return "" if 200 <= status < 300 else f"the server answered {status}"


def reason(error: OSError) -> str:
    """Return why nothing was sent, in words that hold neither a URL nor a host's name."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS with the server failed: {error.reason}"
    if isinstance(error, TimeoutError):
        return "the server does not answer in time"
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
