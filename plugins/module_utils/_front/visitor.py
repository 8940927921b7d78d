# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a site through the front, as a visitor would.

Private to this collection.
"""

from __future__ import annotations

import http.client
import ssl


def request(port: int, host: str, path: str, timeout: float = 10) -> int:
    """Return the status of a GET over HTTPS through the front on this host, as a visitor of `host` would send it.

    Raises OSError where there is no answer, or none that is HTTP.
    """
    # The certificate may still be the temporary one; the role letsencrypt checks the real one.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.connect()
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__} {error}".strip()) from error
    finally:
        connection.close()
