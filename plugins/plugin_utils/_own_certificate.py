# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the user's own certificate for a site, and its key: two files of the controller.

Private to this collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509

CERTIFICATE, KEY = "nginx_site_certificate_file", "nginx_site_certificate_key_file"


def problems_of(
    values: Mapping[str, Any], path_of: Callable[[str], Path], read: Callable[[Path], bytes] = Path.read_bytes
) -> list[str]:
    """All that is wrong; `path_of` tells where a path of the controller leads, and `read` decrypts. Nothing of the key
    is repeated."""
    given = {name: path_of(values[name]) for name in (CERTIFICATE, KEY) if values.get(name)}
    if len(given) == 1:
        (missing,) = {CERTIFICATE, KEY} - given.keys()
        return [f"{missing}: it is not set, but {next(iter(given))} is: set both, or neither of them."]
    absent = [f"{name}: there is no file {path} on this machine." for name, path in given.items() if not path.is_file()]
    if absent or not given:
        return absent
    domains = values.get("nginx_site_domains") or values.get("stack_domains") or []
    return list(_faults(given[CERTIFICATE], given[KEY], read, [str(domain) for domain in domains]))


def _faults(certificate: Path, key: Path, read: Callable[[Path], bytes], domains: Collection[str]) -> Iterator[str]:
    # Of Ansible itself, but not where its sanity tests import this file.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        leaf = x509.load_pem_x509_certificate(read(certificate))
    except (OSError, ValueError):
        yield f"{CERTIFICATE}: {certificate} is no certificate in PEM form: give the file with the whole chain."
        return
    try:
        private = serialization.load_pem_private_key(read(key), None)
    except (OSError, TypeError, ValueError):
        yield f"{KEY}: {key} is no private key in PEM form without a password: remove its password, or give another."
        return
    if private.public_key() != leaf.public_key():
        yield (
            f"{KEY}: {key} is not the key of the first certificate in {certificate}: give the one that belongs to it, "
            "and put the site's own certificate before those of its authorities."
        )
    if leaf.not_valid_after_utc <= datetime.datetime.now(datetime.timezone.utc):
        yield f"{CERTIFICATE}: {certificate} expired at {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: give a new one."
    for domain in sorted(set(domains) - {domain for domain in domains if _covers(_names(leaf), domain)}):
        yield (
            f"{CERTIFICATE}: {certificate} is not valid for {domain}, and browsers would refuse it: give one for all "
            "domains of the site, or remove this one from the list."
        )


def _names(leaf: x509.Certificate) -> set[str]:
    from cryptography import x509

    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in found.get_values_for_type(x509.DNSName)}


def _covers(names: Collection[str], domain: str) -> bool:
    """A wildcard stands for one label."""
    return domain in names or f"*.{domain.partition('.')[2]}" in names
