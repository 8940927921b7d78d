# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of the role letsencrypt. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions, numbers, syntax

Values = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIRECTORY = re.compile(r"https://[^/]+/.*")


def asked(_values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell beside the distribution: nothing."""
    return {}


def problems_of(values: Values) -> Iterator[str]:
    """All that is wrong; a variable that is not among the values is taken as good."""
    yield from _domains(values)
    yield from email_problems(values)
    name, directory = values.get("letsencrypt_name"), values.get("letsencrypt_directory_url")
    if name is not None and not _NAME.fullmatch(name):
        yield (
            f"letsencrypt_name: '{name}' cannot be the name of a certificate: use letters, digits, dots, hyphens and "
            "underscores."
        )
    if directory is not None and not _DIRECTORY.fullmatch(directory):
        yield (
            f"letsencrypt_directory_url: '{directory}' is not an ACME directory: give one such as "
            "https://acme-v02.api.letsencrypt.org/directory."
        )
    yield from numbers.problems_of(values, "letsencrypt_")


def email_problems(values: Values) -> Iterator[str]:
    email = values.get("letsencrypt_email")
    if not email:
        return
    name, _at, host = email.rpartition("@")
    if not name or re.search(r"[\s@,;]", name) or not syntax.is_host_name(host.lower()) or host == "localhost":
        yield f"letsencrypt_email: '{email}' is not an e-mail address: give one such as ops@shop.example.com."


def host_problems(values: Values, probe: Mapping[str, Any]) -> Iterator[str]:
    system, profile = probe["distribution"], values.get("letsencrypt_profile")
    found = distributions.find(system)
    yield from distributions.problems_of(system)
    if found and profile and not found.certbot_profiles:
        able = [name for name, one in distributions.SUPPORTED.items() if one.certbot_profiles]
        yield (
            f"letsencrypt_profile: '{profile}' needs certbot 4.0, which {system['name']} does not have: leave it "
            f"empty, or use {' or '.join(able)}."
        )


def _domains(values: Values) -> Iterator[str]:
    domains = [str(domain) for domain in values.get("letsencrypt_domains", ["localhost"])]
    if not domains:
        yield "letsencrypt_domains: it is empty: list the host names of the certificate, such as [shop.example.com]."
    for domain in domains:
        if not syntax.is_host_name(domain):
            yield (
                f"letsencrypt_domains: '{domain}' is not a host name: give a full name in lower case, such as "
                "shop.example.com, without a scheme, a port or a wildcard."
            )
