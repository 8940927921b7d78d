"""The lab's own certificate authority: it signs the ACME server's interface, and what tests serve outside of stacks."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.shell import CACHE

FOLDER = CACHE / "ca"
CA_FILE = CACHE / "acme-ca.pem"
LIFETIME = datetime.timedelta(days=800)
MARGIN = datetime.timedelta(days=14)


def server_certificate(name: str, address: str, folder: Path) -> None:
    """Have `cert.pem` and `key.pem` for a server in a folder, signed by the authority, both made once."""
    authority, authority_key = ensure_authority()
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    if certificate_file.is_file() and key_file.is_file():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if _is_fresh(certificate) and certificate.issuer == authority.subject:
            return
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
    certificate = (
        _builder(name, authority.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(certificate_file, key_file, certificate, key)


def ensure_authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_file, key_file = FOLDER / "ca.pem", FOLDER / "ca.key"
    if certificate_file.is_file() and key_file.is_file():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        stored = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if _is_fresh(certificate) and isinstance(stored, ec.EllipticCurvePrivateKey):
            _publish(certificate)
            return certificate, stored
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own each time: a certificate of an earlier authority is then seen to be one.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Landfall lab {x509.random_serial_number():x}"[:40])])
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_ca_usage(), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(certificate_file, key_file, certificate, key)
    _publish(certificate)
    return certificate, key


def _publish(certificate: x509.Certificate) -> None:
    CA_FILE.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _builder(subject: str | x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    if isinstance(subject, str):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
    )


def _ca_usage() -> x509.KeyUsage:
    used = {"key_cert_sign": True, "crl_sign": True}
    unused = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return x509.KeyUsage(**used, **dict.fromkeys(unused, False), encipher_only=False, decipher_only=False)


def _is_fresh(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + MARGIN


def _write(
    certificate_file: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate_file.parent.mkdir(parents=True, exist_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
