# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which keys a file holds, as gpg 2.2 tells of the keys that it made here."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import openpgp

RECORDED = Path(__file__).parents[1] / "recorded/openpgp"
RSA, ED25519 = "83068D37E0A26DC646340EB2D6DAE099755FEC3A", "25C15133835134059A46D451D61538B15D594123"
DOCKER = "9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88"


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.asc").read_bytes()


@pytest.mark.parametrize(("name", "found"), [("rsa", [RSA]), ("ed25519", [ED25519]), ("both", [RSA, ED25519])])
def test_every_primary_key_is_found(name: str, found: list[str]) -> None:
    assert openpgp.fingerprints(recorded(name)) == found


def test_a_second_block_of_armour_counts_too() -> None:
    assert openpgp.fingerprints(recorded("rsa") + b"\n" + recorded("ed25519")) == [RSA, ED25519]


def test_headers_and_line_ends_make_no_difference() -> None:
    text = recorded("rsa").replace(b"BLOCK-----\n", b"BLOCK-----\nVersion: GnuPG v1\nComment: x\n", 1)
    assert openpgp.fingerprints(text.replace(b"\n", b"\r\n")) == [RSA]


def armoured(data: bytes) -> bytes:
    begin, end = (f"-----{word} PGP PUBLIC KEY BLOCK-----\n".encode() for word in ("BEGIN", "END"))
    return begin + b"\n" + base64.encodebytes(data) + end


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no public key"),
        (b"<html>404</html>", "no public key"),
        (armoured(b"\xc6\x05\x04abcd")[:-20], "no public key"),
        (armoured(b"\xc6\x05\x04ab"), "truncated"),
        (armoured(b"\xc6\x05\x03abcd"), "version 3"),
        (armoured(b"\xc5\x05\x04abcd"), "type 5"),
        (armoured(b"\x05\x05\x04abcd"), "OpenPGP packet"),
        (armoured(b"\xc6\xe1\x04abcd"), "unknown length"),
        (armoured(b"\x9b\x04abcd"), "unknown length"),
        (armoured(b"\xcd\x04abcd"), "no primary key"),
        (armoured(b"abc").replace(b"YWJj", b"YW%j"), "armour is damaged"),
    ],
)
def test_what_is_no_key_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        openpgp.fingerprints(content)


def test_a_fingerprint_may_be_written_as_people_do() -> None:
    assert openpgp.normal(DOCKER) == openpgp.normal("9dc858229fc7dd38854ae2d88d81803c0ebfcd88")
