# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the fingerprints of the OpenPGP keys in a file, without gpg, which a bare Debian 13 does not have.

Private to this collection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

_ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\s*?\n(?:[A-Za-z]+: .*\n)*\s*\n(.+?)-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_PUBLIC_KEY = 6
# Packet types: signature, public key and subkey, marker, trust, user id and attribute, padding.
_ALLOWED = frozenset({2, 6, 10, 12, 13, 14, 17, 21})


def fingerprints(armoured: bytes) -> list[str]:
    """Return the fingerprints of all primary keys in a file in ASCII armour, in upper-case hexadecimal.

    Raises ValueError where the file is not in this format or contains anything but public keys.
    """
    blocks = _ARMOUR.findall(armoured.replace(b"\r\n", b"\n"))
    if not blocks:
        raise ValueError("it contains no public key in ASCII armour")
    found = []
    for block in blocks:
        for tag, body in _packets(_decoded(block)):
            if tag not in _ALLOWED:
                raise ValueError(f"it contains a packet of type {tag}, which does not belong to a public key")
            if tag == _PUBLIC_KEY:
                found.append(_fingerprint(body))
    if not found:
        raise ValueError("it contains no primary key")
    return found


def normal(fingerprint: str) -> str:
    """Return a fingerprint in the form of `fingerprints`: without spaces and colons, in upper case."""
    return re.sub(r"[\s:]", "", fingerprint).upper()


def is_fingerprint(text: str) -> bool:
    """Return whether it is a fingerprint of a version 4 or 6 key. Shorter key ids can be forged."""
    return re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", normal(text)) is not None


def _decoded(block: bytes) -> bytes:
    # The line that begins with = is a checksum.
    lines = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith(b"=")]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error as error:
        raise ValueError(f"its ASCII armour is damaged: {error}") from error


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and body of each packet (RFC 9580, 4.2)."""
    place = 0
    while place < len(data):
        head = data[place]
        if not head & 0x80:
            raise ValueError("it contains data that is not an OpenPGP packet")
        if head & 0x40:
            tag = head & 0x3F
            first = data[place + 1] if place + 1 < len(data) else 0
            if first < 192:
                size, start = first, place + 2
            elif first < 224:
                size, start = ((first - 192) << 8) + int.from_bytes(data[place + 2 : place + 3], "big") + 192, place + 3
            elif first == 255:
                size, start = int.from_bytes(data[place + 2 : place + 6], "big"), place + 6
            else:
                raise ValueError("it holds a packet of unknown length")
        else:
            tag, kind = (head & 0x3C) >> 2, head & 3
            if kind == 3:
                raise ValueError("it holds a packet of unknown length")
            start = place + 1 + (1 << kind)
            size = int.from_bytes(data[place + 1 : start], "big")
        place = start + size
        if place > len(data):
            raise ValueError("it is truncated")
        yield tag, data[start:place]


def _fingerprint(body: bytes) -> str:
    version = body[0] if body else 0
    if version == 4:
        # The version that nearly all keys have; SHA-1 is part of its definition.
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    if version == 6:
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise ValueError(f"it contains a key of version {version}: only versions 4 and 6 have safe fingerprints")
