# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the variables of the role letsencrypt. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._certificate import dns
from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions, numbers, syntax

Values = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CREDENTIAL = re.compile(r"[a-z][a-z0-9_]*")
_DNS_KEYS = {"plugin", "credentials", "propagation_seconds"}
_DIRECTORY = re.compile(r"https://[^/]+/.*")


def asked(_values: Values) -> dict[str, Any]:
    """What the module host_probe has to tell beside the distribution: nothing."""
    return {}


def problems_of(values: Values) -> Iterator[str]:
    """All that is wrong; a variable that is not among the values is taken as good."""
    yield from _domains(values)
    yield from dns_problems(values)
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
    plugin = (values.get("letsencrypt_dns") or {}).get("plugin")
    if found and plugin in found.no_dns_plugins:
        yield (
            f"letsencrypt_dns: {system['name']} has no package of certbot's plugin '{plugin}': use "
            f"{_any_of(set(dns.PLUGINS) - set(found.no_dns_plugins))}."
        )
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
    yield from wildcard_problems("letsencrypt_domains", domains, is_proven=bool(values.get("letsencrypt_dns")))
    for domain in domains:
        if not (syntax.is_host_name(domain) or syntax.is_wildcard(domain)):
            yield (
                f"letsencrypt_domains: '{domain}' is not a host name: give a full name in lower case, such as "
                "shop.example.com, without a scheme or a port."
            )


def wildcard_problems(name: str, domains: Sequence[str], is_proven: bool) -> Iterator[str]:
    """What is wrong with the wildcards in the variable `name`; `is_proven` is whether a certificate can have them."""
    wildcards = [domain for domain in domains if syntax.is_wildcard(domain)]
    if not is_proven:
        for domain in wildcards:
            yield (
                f"{name}: '{domain}' is a wildcard, which needs a certificate by DNS-01: set letsencrypt_dns, or list "
                "every name by itself."
            )
    elif wildcards and domains[0] in wildcards:
        yield (
            f"{name}: '{domains[0]}' is the first of the list, but health checks need a name that exists: put one "
            f"before it, such as {domains[0][2:]}."
        )


def dns_problems(values: Values) -> Iterator[str]:
    """What is wrong with letsencrypt_dns. No credential is repeated."""
    given = values.get("letsencrypt_dns")
    if not given:
        return
    plugin, credentials = str(given.get("plugin") or ""), given.get("credentials")
    for key in sorted(set(map(str, given)) - _DNS_KEYS):
        yield f"letsencrypt_dns: there is no '{key}' in it: it has only {', '.join(sorted(_DNS_KEYS))}."
    if plugin not in dns.PLUGINS:
        yield f"letsencrypt_dns: plugin '{plugin}' is not one that can be used: set it to {_any_of(dns.PLUGINS)}."
    elif not isinstance(credentials, Mapping):
        yield f"letsencrypt_dns: credentials is not a dictionary: set {_sets_of(plugin)} in it."
    else:
        yield from _credential_problems(plugin, credentials)
    seconds = given.get("propagation_seconds", 1)
    if isinstance(seconds, bool) or not str(seconds).isdigit() or int(seconds) < 1:
        yield "letsencrypt_dns: propagation_seconds is not a whole number above 0: give one such as 60."
    elif plugin == dns.ROUTE53 and "propagation_seconds" in given:
        yield "letsencrypt_dns: propagation_seconds: Route 53 itself says when the record is there: leave it out."


def _credential_problems(plugin: str, credentials: Mapping[str, Any]) -> Iterator[str]:
    filled = {str(key) for key, value in credentials.items() if value not in (None, "")}
    if not any(filled.issuperset(one) for one in dns.PLUGINS[plugin]):
        yield f"letsencrypt_dns: credentials is not complete for the plugin '{plugin}': set {_sets_of(plugin)} in it."
    elif plugin == dns.RFC2136 and not _is_address(credentials["server"]):
        yield (
            "letsencrypt_dns: credentials: server is not an address, and certbot takes no name: give one such as "
            "192.0.2.53."
        )
    for key, value in credentials.items():
        if not _CREDENTIAL.fullmatch(str(key)) or str(key).startswith("dns_"):
            yield (
                f"letsencrypt_dns: credentials: '{key}' is not the name of a credential: write it as certbot's plugin "
                f"has it, without dns_{plugin}_."
            )
        elif not dns.is_writable(plugin, value):
            yield (
                f"letsencrypt_dns: credentials: {key} cannot be written to certbot's file: give a text of one line, in "
                "quotes, without %( and without two kinds of quotes in it."
            )


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def _sets_of(plugin: str) -> str:
    return ", or ".join(" and ".join(one) for one in dns.PLUGINS[plugin])


def _any_of(names: Iterable[str]) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} or {last}"
