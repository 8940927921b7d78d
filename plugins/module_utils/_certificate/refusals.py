# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the errors of certbot and of the CA, and tell the user what to do. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._certificate.certbot import Wanted

_BOILERPLATE = re.compile(r"^(Saving debug log|Ask for help|Account reg|Requesting a cert|Renewing an ex|Some chall)")


@dataclass(frozen=True)
class Problem:
    """An error. `kind` is the ACME error type of the CA without its urn; empty for an error of certbot."""

    kind: str
    detail: str
    domain: str = ""
    retry_after: str = ""


def problems(output: str, log: str) -> list[Problem]:
    """Return the errors in certbot's output and in the lines that this run added to its log.

    The log is needed: certbot 2.1 on Python 3.11 reports every refused order as "can't set attribute".
    """
    found = [
        Problem(kind, detail.strip(), domain)
        for domain, kind, detail in re.findall(r"Domain:\s*(\S+)\s+Type:\s*(\S+)\s+Detail:\s*(.+)", output)
    ]
    return found or _refusals(log) or [Problem("", _last_words(output))]


def _refusals(log: str) -> list[Problem]:
    found: list[Problem] = []
    decoder = json.JSONDecoder()
    for status, headers, start in _responses(log):
        if status < 400:
            continue
        try:
            body = decoder.raw_decode(log, start)[0]
        except ValueError:
            continue
        kind = str(body.get("type", "")).rpartition(":")[2]
        if kind == "badNonce":  # certbot tries again itself
            continue
        retry = re.search(r"^Retry-After:\s*(.+)$", headers, re.MULTILINE | re.IGNORECASE)
        found.append(Problem(kind, str(body.get("detail", "")), retry_after=retry.group(1).strip() if retry else ""))
        for part in body.get("subproblems") or []:
            name = (part.get("identifier") or {}).get("value", "")
            found.append(Problem(str(part.get("type", "")).rpartition(":")[2], str(part.get("detail", "")), name))
    return found


def _responses(log: str) -> t.Iterator[tuple[int, str, int]]:
    for match in re.finditer(r"Received response:\nHTTP (\d{3})\n(.*?)\n\n", log, re.DOTALL):
        yield int(match.group(1)), match.group(2), match.end()


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not _BOILERPLATE.match(line.strip())]
    return " ".join(lines[-4:])


def cure(problem: Problem, wanted: Wanted) -> str:
    """Return the variable of the role to check, and what to set it to."""
    name = problem.domain or "each name"
    served = f" and serve {wanted.webroot} (letsencrypt_webroot)" if wanted.webroot else ""
    for pattern, advice in (*_DNS_CURES, *_CURES) if wanted.dns else _CURES:
        if re.search(pattern, f"{problem.kind} {problem.detail}"):
            return advice.format(name=name, url=wanted.directory_url, served=served)
    return "read /var/log/letsencrypt/letsencrypt.log on the host"


# With DNS-01. By the kind of the CA's error, or by the words of certbot's plugins.
_DNS_CURES = (
    (
        r"^(dns|unauthorized|incorrectResponse)\b",
        (
            "letsencrypt_dns: the CA does not see the TXT record of _acme-challenge for {name}: use the plugin of the "
            "name server that the domain is delegated to, and raise propagation_seconds if that server is slow"
        ),
    ),
    (
        r"^ .*(credentials|Encountered error|Error determining zone|[Uu]nable to determine|target DNS server)",
        (
            "letsencrypt_dns: correct its plugin and credentials: the name server must answer this host, and accept "
            "changes of the zone"
        ),
    ),
)
_CURES = (
    (
        r"^rateLimited",
        (
            "wait as long as the CA says before the next run, and test with its staging directory in "
            "letsencrypt_directory_url (Let's Encrypt: https://acme-staging-v02.api.letsencrypt.org/directory)"
        ),
    ),
    (r"^caa\b", "letsencrypt_domains: the CAA record of {name} must allow this CA"),
    (r"^dns\b", "letsencrypt_domains: {name} must have an A or AAAA record that points at this host"),
    (
        r"^(connection|unauthorized|incorrectResponse|tls)\b",
        (
            "letsencrypt_domains: the DNS records of {name} (A and AAAA) must point at this host, and its port 80 must "
            "be reachable from the CA{served}"
        ),
    ),
    (
        r"^(rejectedIdentifier|unsupportedIdentifier|malformed|badCSR)\b",
        "letsencrypt_domains: remove the names for which this CA issues no certificates",
    ),
    (
        r"^(invalidContact|unsupportedContact)|invalid email",
        "letsencrypt_email: set it to an address that the CA accepts",
    ),
    (
        r"^accountDoesNotExist",
        (
            "letsencrypt_directory_url: {url} no longer has this host's account; remove its folder below "
            "/etc/letsencrypt/accounts on the host, and the next run creates a new account"
        ),
    ),
    (r"^invalidProfile|profile", "letsencrypt_profile: set it to a profile of the CA, or leave it empty"),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLError",
        "letsencrypt_ca_bundle: set it to the file with the CA that signed the TLS certificate of {url}",
    ),
    (
        r"TLS CA certificate bundle|Requesting .*: |Max retries|ConnectionError|ReadTimeout|Network is unreach",
        "letsencrypt_directory_url: the host must reach {url}",
    ),
    (
        r"Could not bind TCP port 80",
        "letsencrypt_webroot: set it to the folder that the web server on port 80 serves, or stop that server",
    ),
)


def explain(found: list[Problem], wanted: Wanted, kept: bool) -> str:
    """Return the message for the user: the errors, their cures, and the state of the former certificate."""
    lines = [f"No certificate for {', '.join(wanted.domains)} from {wanted.directory_url}."]
    for problem in found:
        where = f" about {problem.domain}" if problem.domain else ""
        speaker = f"The CA said{where} ({problem.kind})" if problem.kind else "certbot said"
        later = f" (retry after: {problem.retry_after})" if problem.retry_after else ""
        lines.append(f"{speaker}: {problem.detail}{later}")
    lines += [f"Cure: {text}." for text in dict.fromkeys(cure(problem, wanted) for problem in found)]
    lines.append("The present certificate is untouched." if kept else "The host was not changed.")
    return "\n".join(lines)
