# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read certificates from files and from a local server.

Private to this collection.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Leaf:
    """A server's certificate. `names` are its subject alternative names; a common name may be missing."""

    names: frozenset[str]
    not_before: datetime
    not_after: datetime


def shown(port: int, name: str, address: str = "127.0.0.1") -> bytes | None:
    """Return the certificate, as DER, that a server presents for `name`; None where nothing answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Not verified: the caller wants to know which certificate it is, a temporary or test one too.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        plain = socket.create_connection((address, port), timeout=5)
        with plain, context.wrap_socket(plain, server_hostname=name) as secure:
            return secure.getpeercert(binary_form=True)
    except OSError:
        return None


def kept(file: Path) -> bytes:
    """Return the first certificate of a PEM file, as DER. Raises OSError or ValueError where there is none."""
    found = _CERTIFICATE.search(file.read_text())
    if not found:
        raise ValueError(f"{file} contains no certificate")
    return ssl.PEM_cert_to_DER_cert(found.group())


def described(der: bytes) -> Leaf:
    """Return the names and dates of a certificate. Raises OSError or CalledProcessError where openssl fails."""
    argv = ["openssl", "x509", "-noout", "-dates", "-ext", "subjectAltName"]
    done = run(argv, ssl.DER_cert_to_PEM_cert(der))
    done.check_returncode()
    return parse(done.stdout)


def parse(text: str) -> Leaf:
    """Parse the output of `openssl x509 -noout -dates -ext subjectAltName`."""
    dates = dict(re.findall(r"^(notBefore|notAfter)=(.+)$", text, re.MULTILINE))
    names = frozenset(name.lower() for name in re.findall(r"DNS:([^\s,]+)", text))
    return Leaf(names, _date(dates["notBefore"]), _date(dates["notAfter"]))


def _date(text: str) -> datetime:
    return datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc)
