# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a new container for its health from outside, as the front will.

Private to this collection.
"""

from __future__ import annotations

import http.client

_REASONS = {
    400: "Django refuses the host name: let ALLOWED_HOSTS hold every name of stack_domains",
    404: "there is no such page: set stack_health_path to one that exists",
    301: "it redirects: let SECURE_PROXY_SSL_HEADER trust X-Forwarded-Proto, and stack_health_path end as the URL does",
    302: "it redirects, perhaps to a login: set stack_health_path to a page that anybody may see",
}


def headers(host: str) -> dict[str, str]:
    """Return what lets a request past ALLOWED_HOSTS and the redirect to HTTPS."""
    return {"Host": host, "X-Forwarded-Proto": "https"}


def probe(address: str, port: int, path: str, host: str, timeout: float = 5) -> str:
    """Return the empty string for an answer of 200, else one sentence that says what is wrong."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers(host))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer ({error or type(error).__name__})"
    finally:
        connection.close()
    return status_problem(status, path)


def status_problem(status: int, path: str) -> str:
    """Say what a health check's `status` means: nothing for 200, else the status, its likely cause and the cure."""
    if status == 200:
        return ""
    reason = _REASONS.get(status)
    return f"{path} answers {status}" + (f": {reason}" if reason else "")
