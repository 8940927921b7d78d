# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate of one's own is refused before it takes the place of one that browsers accept."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils import _own_certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
CERTIFICATE, KEY = _own_certificate.CERTIFICATE, _own_certificate.KEY


def certificate(
    folder: Path, *names: str, ends: datetime.datetime = NOW + DAY, password: bytes = b""
) -> dict[str, str]:
    """The variables with a new certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, ends - 2 * DAY, ends)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    pem = serialization.Encoding.PEM
    secrecy = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    folder.mkdir(exist_ok=True)
    (folder / "chain.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, secrecy))
    return {CERTIFICATE: str(folder / "chain.pem"), KEY: str(folder / "key.pem")}


def problems(values: dict[str, Any], *domains: str) -> list[str]:
    return _own_certificate.problems_of({"stack_domains": list(domains), **values}, Path)


@pytest.mark.parametrize("names", [("shop.test", "www.shop.test"), ("*.shop.test", "shop.test")])
def test_a_good_certificate(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert problems(certificate(tmp_path, *names), "shop.test", "www.shop.test") == []
    assert problems({}, "shop.test") == problems({CERTIFICATE: "", KEY: ""}, "shop.test") == []


def test_each_fault_names_its_variable(tmp_path: Path) -> None:
    good, other = certificate(tmp_path / "good", "shop.test"), certificate(tmp_path / "other", "shop.test")
    cases = [
        (KEY, {CERTIFICATE: good[CERTIFICATE]}),
        (CERTIFICATE, {KEY: good[KEY]}),
        (CERTIFICATE, {**good, CERTIFICATE: "/nonexistent"}),
        (CERTIFICATE, {**good, CERTIFICATE: good[KEY]}),
        (KEY, {**good, KEY: good[CERTIFICATE]}),
        (KEY, {**good, KEY: other[KEY]}),
        (KEY, certificate(tmp_path / "locked", "shop.test", password=b"secret")),
        (CERTIFICATE, certificate(tmp_path / "old", "shop.test", ends=NOW - DAY)),
        (CERTIFICATE, certificate(tmp_path / "named", "*.shop.test")),
        (CERTIFICATE, certificate(tmp_path / "nameless")),
    ]
    for name, values in cases:
        (said,) = problems(values, "shop.test")
        assert said.startswith(f"{name}: ")
        assert "PRIVATE" not in said


def test_a_wildcard_stands_for_one_label(tmp_path: Path) -> None:
    (said,) = problems(certificate(tmp_path, "*.shop.test"), "a.shop.test", "a.b.shop.test")
    assert "a.b.shop.test" in said


def test_a_key_in_a_vault_is_decrypted(tmp_path: Path) -> None:
    given = certificate(tmp_path, "shop.test")
    key = Path(given[KEY])
    plain = key.read_bytes()
    key.write_text("$ANSIBLE_VAULT;1.1;AES256\n")
    values = {"stack_domains": ["shop.test"], **given}

    def decrypted(path: Path) -> bytes:
        return plain if path == key else path.read_bytes()

    assert len(_own_certificate.problems_of(values, Path)) == 1
    assert _own_certificate.problems_of(values, Path, decrypted) == []
