# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health rule: the health page answers 200 to a request of the site's host that came over HTTPS.

The front page is no health page. It may redirect, want a login or not exist, so there any answer below 500 is healthy,
except that of Django to a host name that it refuses.

This is the only place that decides it. The release asks a new container by `probe`; the proof through Nginx and the
status judge the answer by `status_problem`; the healthcheck in compose.yaml runs `container_command`, since a project's
image does not have this code. Private to this collection.
"""

from __future__ import annotations

import http.client
import socket

from ansible_collections.landfall.django.plugins.module_utils._docker.wait import until
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._project.profile import FRONT_PAGE

_HEALTHY = (range(200, 201),)
_HEALTHY_FRONT_PAGE = (range(200, 400), range(401, 500))
_TIMEOUT = 5  # seconds for an answer
_VISITORS = 10  # seconds for Nginx to resolve new names
_COMMAND = """import http.client, sys
web = http.client.HTTPConnection("127.0.0.1", {port}, timeout={timeout})
web.request("GET", {path!r}, headers={headers!r})
status = web.getresponse().status
sys.exit(not any(status in part for part in {healthy!r}))"""
_REASONS = {
    400: "Django refuses the host name: add every name of stack_domains to ALLOWED_HOSTS",
    404: "the page does not exist: set stack_health_path to one that does",
    301: "it redirects: set SECURE_PROXY_SSL_HEADER to trust X-Forwarded-Proto, and stack_health_path to the exact URL",
    302: "it redirects, perhaps to a login: set stack_health_path to a page without login",
}


def healthy(path: str) -> tuple[range, ...]:
    """The statuses that count as healthy."""
    return _HEALTHY_FRONT_PAGE if path == FRONT_PAGE else _HEALTHY


def headers(host: str) -> dict[str, str]:
    """Return the headers with which a request passes ALLOWED_HOSTS and the redirect to HTTPS."""
    return {"Host": host, "X-Forwarded-Proto": "https"}


def probe(address: str, port: int, path: str, host: str, timeout: float = _TIMEOUT) -> str:
    """Request the health page of a container. Return what is wrong, or an empty string where it is healthy."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers(host))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer ({error or type(error).__name__})"
    finally:
        connection.close()
    return status_problem(status, path)


def listening_problem(address: str, port: int, timeout: float = _TIMEOUT) -> str:
    """Connect to a port of a container. Return what is wrong, or an empty string where something listens."""
    try:
        socket.create_connection((address, port), timeout).close()
    except OSError as error:
        return f"port {port} of stack_routes does not answer ({error}): let its process listen there, on 0.0.0.0"
    return ""


def status_problem(status: int, path: str) -> str:
    """Return what is wrong with an answer: its status, the likely cause and the cure. Empty where it is healthy."""
    if any(status in part for part in healthy(path)):
        return ""
    reason = _REASONS.get(status)
    return f"{path} answers {status}" + (f": {reason}" if reason else "")


def visitor_problem(port: int, host: str, path: str) -> str:
    """Request the health page through the front, as a visitor would. Return what is wrong; empty if it is healthy."""
    try:
        return status_problem(visitor.request(port, host, path), path)
    except OSError as error:
        return f"{path} does not answer through Nginx: {error}"


def wait_for_visitors(port: int, host: str, path: str, patience: float = _VISITORS) -> str:
    """Wait up to `patience` seconds until visitors reach the site: Nginx needs a moment for new names and addresses.

    Return what is still wrong in the end, or an empty string.
    """
    problems = [""]

    def served() -> bool:
        problems.append(visitor_problem(port, host, path))
        return not problems[-1]

    return "" if until(served, patience) else problems[-1]


def container_command(port: int, path: str, host: str) -> list[str]:
    """Return a command that applies the rule inside a container that has python3."""
    values = {"port": port, "path": path, "headers": headers(host), "timeout": _TIMEOUT, "healthy": healthy(path)}
    return ["python3", "-c", _COMMAND.format(**values)]
