# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide what certbot has to do, and read its files and errors. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.landfall.django.plugins.module_utils._certificate.tls import Leaf

RECONFIGURE_SINCE = (2, 3)
PROFILES_SINCE = (4, 0)

_SHORT = timedelta(days=10)
# An older certbot renews when this much is left, whatever the certificate's life is.
_FORMER_INTERVAL = timedelta(days=30)
# The timer runs at a random moment of each half day, so up to a day may pass between two runs, which take time too.
_TIMER_GAP = timedelta(hours=25)

_BOILERPLATE = re.compile(r"^(Saving debug log|Ask for help|Account reg|Requesting a cert|Renewing an ex|Some chall)")


@dataclass(frozen=True)
class Wanted:
    """The certificate that the role wants."""

    name: str
    domains: tuple[str, ...]
    directory_url: str
    webroot: str = ""
    profile: str = ""
    email: str = ""


@dataclass(frozen=True)
class Lineage:
    """One certificate of certbot: its renewal file and its present leaf."""

    server: str
    authenticator: str
    webroots: frozenset[str]
    profile: str
    domains: frozenset[str]
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class Plan:
    """`action`: none, issue (the first certificate), reissue (a new one) or reconfigure (only how it is renewed)."""

    action: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """An error. `kind` is the ACME error type of the CA without its urn; empty for an error of certbot."""

    kind: str
    detail: str
    domain: str = ""
    retry_after: str = ""


def parse_version(text: str) -> tuple[int, ...]:
    found = re.search(r"certbot (\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def parse_renewal(text: str) -> dict[str, t.Any]:
    """Return the [renewalparams] of a renewal file; its [[webroot_map]] is a dictionary of that name."""
    params: dict[str, t.Any] = {"webroot_map": {}}
    section = ""
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            key, value = (part.strip() for part in line.split("=", 1))
            if section == "renewalparams":
                params[key] = value
            elif section == "webroot_map":
                params["webroot_map"][key] = value
    return params


def parse_maker(renewal: str) -> tuple[int, ...]:
    """Return the version of the certbot that wrote a renewal file."""
    found = re.search(r"^version\s*=\s*(\S+)", renewal, re.MULTILINE)
    return parse_version(f"certbot {found.group(1)}") if found else ()


def lineage(renewal: str, leaf: Leaf) -> Lineage:
    params = parse_renewal(renewal)
    # In a renewal the map has precedence over webroot_path, which is a list: `/srv/a,`.
    webroots = set(params["webroot_map"].values()) or {
        path.strip() for path in params.get("webroot_path", "").split(",") if path.strip()
    }
    return Lineage(
        server=params.get("server", ""),
        authenticator=params.get("authenticator", ""),
        webroots=frozenset(path.rstrip("/") for path in webroots),
        profile=params.get("preferred_profile") or params.get("required_profile", ""),
        domains=leaf.names,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
    )


def alarm(life: timedelta, version: tuple[int, ...]) -> timedelta:
    """Return the remaining life below which the renewal must have failed.

    certbot renews when a third of the life is left; half of it for a life under ten days; thirty days before version
    4.0.
    """
    third = life / 3
    if life < _SHORT:
        # Renewal is due at half of the life: at a third of 160 hours it is a day late.
        return third
    due = min(third, _FORMER_INTERVAL) if version and version < PROFILES_SINCE else third
    return due - _TIMER_GAP


def plan(wanted: Wanted, have: Lineage | None, now: datetime, version: tuple[int, ...]) -> Plan:
    if have is None:
        return Plan("issue", ("no certificate of this name exists yet",))
    renew = []
    domains = frozenset(name.lower() for name in wanted.domains)
    if have.domains != domains:
        renew.append(f"it names {_names(have.domains)}, not {_names(domains)}")
    if have.server != wanted.directory_url:
        renew.append(f"it is from {have.server}")
    if have.profile != wanted.profile:
        renew.append(f"its profile is {have.profile or 'the default'}, not {wanted.profile or 'the default'}")
    if have.not_after - now < alarm(have.not_after - have.not_before, version):
        renew.append(f"it ends at {have.not_after:%Y-%m-%d %H:%M} UTC and was not renewed in time")
    if renew:
        return Plan("reissue", tuple(renew))
    authenticator = "webroot" if wanted.webroot else "standalone"
    if have.authenticator != authenticator:
        reason = f"it is renewed by {have.authenticator}, not {authenticator}"
    elif wanted.webroot and have.webroots != {wanted.webroot.rstrip("/")}:
        reason = f"it is renewed through {_names(have.webroots)}, not {wanted.webroot}"
    else:
        return Plan("none")
    # An older certbot changes its renewal file only with a new certificate.
    return Plan("reconfigure" if version >= RECONFIGURE_SINCE else "reissue", (reason,))


def _names(names: t.Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def refused_profile(wanted: Wanted, version: tuple[int, ...], directory: t.Mapping[str, t.Any]) -> str:
    """Return why this host or this CA does not support the profile: certbot would silently use the default."""
    if not wanted.profile:
        return ""
    if version < PROFILES_SINCE:
        has = ".".join(str(part) for part in version) or "unknown"
        return (
            f"letsencrypt_profile: '{wanted.profile}' needs certbot 4.0, but this host has {has}: leave the variable "
            "empty, or use Debian 13."
        )
    offered = sorted((directory.get("meta") or {}).get("profiles") or {})
    if wanted.profile not in offered:
        return (
            f"letsencrypt_profile: {wanted.directory_url} has no profile '{wanted.profile}': set it to "
            f"{' or '.join([*offered, 'nothing'])}."
        )
    return ""


def command(wanted: Wanted, action: str) -> list[str]:
    """Return certbot's arguments for a plan's action."""
    how = ["--webroot", "--webroot-path", wanted.webroot] if wanted.webroot else ["--standalone"]
    argv = ["certonly"] if action != "reconfigure" else ["reconfigure"]
    argv += ["--non-interactive", "--agree-tos", "--cert-name", wanted.name, *how]
    if action == "reconfigure":
        return argv
    argv += ["--server", wanted.directory_url]
    argv += ["--email", wanted.email] if wanted.email else ["--register-unsafely-without-email"]
    if wanted.profile:
        # Preferred, not required: if the CA drops this profile, a renewal with another one is better than none.
        argv += ["--preferred-profile", wanted.profile]
    if action == "reissue":
        argv += ["--force-renewal", "--renew-with-new-domains"]
    for domain in wanted.domains:
        argv += ["--domain", domain]
    return argv


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
    for pattern, advice in _CURES:
        if re.search(pattern, f"{problem.kind} {problem.detail}"):
            return advice.format(name=name, url=wanted.directory_url, served=served)
    return "read /var/log/letsencrypt/letsencrypt.log on the host"


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
