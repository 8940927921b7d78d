# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file from which Nginx knows the users of a site and their passwords.

Python has no crypt() any more, and openssl differs between controllers. Private to this collection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

_ROUNDS = 5000  # the algorithm's default, which its output does not name
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def user_file(site: str, passwords: Mapping[str, object]) -> str:
    """Return the lines `name:hash` for these names and passwords. The same input always gives the same file."""
    return "".join(f"{name}:{sha512_crypt(str(password), salt(site, name))}\n" for name, password in passwords.items())


def salt(site: str, name: str) -> str:
    """Return a salt that no other user of any site has. It need not be secret."""
    digest = hashlib.sha256(f"{site}\0{name}".encode()).digest()
    return "".join(_ALPHABET[byte % 64] for byte in digest[:16])


def sha512_crypt(password: str, salt: str) -> str:
    """Hash a password as crypt() does for $6$, with a salt of at most 16 characters.

    The steps are those of Ulrich Drepper's specification, "Unix crypt using SHA-256 and SHA-512".
    """
    key, its_salt = password.encode(), salt.encode()
    other = _sha512(key + its_salt + key)
    start = key + its_salt + _repeated(other, len(key))
    bits = len(key)
    while bits:
        start += other if bits & 1 else key
        bits >>= 1
    digest = _sha512(start)
    keys = _repeated(_sha512(key * len(key)), len(key))
    salts = _repeated(_sha512(its_salt * (16 + digest[0])), len(its_salt))
    for number in range(_ROUNDS):
        is_odd = number % 2
        middle = (salts if number % 3 else b"") + (keys if number % 7 else b"")
        digest = _sha512((keys if is_odd else digest) + middle + (digest if is_odd else keys))
    return f"$6${salt}${''.join(_encoded(digest))}"


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def _repeated(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]


def _encoded(digest: bytes) -> Iterator[str]:
    first, second, third = 0, 21, 42
    for _place in range(21):
        yield _group(digest[first] << 16 | digest[second] << 8 | digest[third], 4)
        first, second, third = second + 1, third + 1, first + 1
    yield _group(digest[63], 2)


def _group(value: int, length: int) -> str:
    return "".join(_ALPHABET[value >> 6 * place & 63] for place in range(length))
