# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide what certbot has to do, and read its files. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.landfall.django.plugins.module_utils._certificate import dns as dns01
from ansible_collections.landfall.django.plugins.module_utils._certificate.tls import Leaf

RECONFIGURE_SINCE = (2, 3)
PROFILES_SINCE = (4, 0)

_SHORT = timedelta(days=10)
# An older certbot renews when this much is left, whatever the certificate's life is.
_FORMER_INTERVAL = timedelta(days=30)
# The timer runs at a random moment of each half day, so up to a day may pass between two runs, which take time too.
_TIMER_GAP = timedelta(hours=25)


@dataclass(frozen=True)
class Wanted:
    """The certificate that the role wants."""

    name: str
    domains: tuple[str, ...]
    directory_url: str
    webroot: str = ""
    profile: str = ""
    email: str = ""
    dns: dns01.Dns | None = None

    @property
    def authenticator(self) -> str:
        return self.dns.authenticator if self.dns else "webroot" if self.webroot else "standalone"


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
    params: t.Mapping[str, t.Any] = field(default_factory=dict)  # of its renewal file


@dataclass(frozen=True)
class Plan:
    """`action`: none, issue (the first certificate), reissue (a new one) or reconfigure (only how it is renewed)."""

    action: str
    reasons: tuple[str, ...] = ()


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
        params=params,
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
    reason = _renewal_difference(wanted, have)
    if not reason:
        return Plan("none")
    # An older certbot changes its renewal file only with a new certificate.
    return Plan("reconfigure" if version >= RECONFIGURE_SINCE else "reissue", (reason,))


def _renewal_difference(wanted: Wanted, have: Lineage) -> str:
    if have.authenticator != wanted.authenticator:
        return f"it is renewed by {have.authenticator}, not {wanted.authenticator}"
    if wanted.dns:
        return dns01.difference(wanted.dns, have.params)
    if wanted.webroot and have.webroots != {wanted.webroot.rstrip("/")}:
        return f"it is renewed through {_names(have.webroots)}, not {wanted.webroot}"
    return ""


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
    argv = ["certonly"] if action != "reconfigure" else ["reconfigure"]
    argv += ["--non-interactive", "--agree-tos", "--cert-name", wanted.name, *_authenticator(wanted)]
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


def _authenticator(wanted: Wanted) -> list[str]:
    if wanted.dns:
        return dns01.arguments(wanted.dns)
    return ["--webroot", "--webroot-path", wanted.webroot] if wanted.webroot else ["--standalone"]
