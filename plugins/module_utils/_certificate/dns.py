# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""certbot's plugins for DNS-01: their credentials, their arguments, and what certbot keeps of them. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

GOOGLE, RFC2136, ROUTE53 = "google", "rfc2136", "route53"
# Those that Debian and Ubuntu have packages of. One of the sets of credentials must be complete; there may be more.
PLUGINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "cloudflare": (("api_token",), ("email", "api_key")),
    "desec": (("token",),),
    "digitalocean": (("token",),),
    "dnsimple": (("token",),),
    "gandi": (("api_key",), ("token",)),
    "gehirn": (("api_token", "api_secret"),),
    # The keys of a service account's JSON file.
    GOOGLE: (("type", "client_email", "private_key", "token_uri"),),
    "infomaniak": (("token",),),
    "linode": (("key",),),
    "ovh": (("endpoint", "application_key", "application_secret", "consumer_key"),),
    RFC2136: (("server", "name", "secret"),),
    ROUTE53: (("aws_access_key_id", "aws_secret_access_key"),),
    "sakuracloud": (("api_token", "api_secret"),),
}


@dataclass(frozen=True)
class Dns:
    """How the name server is told. `credentials` is a file on the host; without seconds, the plugin's own count."""

    plugin: str
    credentials: str
    propagation_seconds: int | None = None

    @property
    def authenticator(self) -> str:
        return f"dns-{self.plugin}"


def arguments(dns: Dns) -> list[str]:
    """Return certbot's arguments. Each of them is kept for renewals."""
    argv = ["--authenticator", dns.authenticator]
    if dns.plugin != ROUTE53:
        argv += [f"--{dns.authenticator}-credentials", dns.credentials]
    if dns.propagation_seconds is not None:
        argv += [f"--{dns.authenticator}-propagation-seconds", str(dns.propagation_seconds)]
    return argv


def environment(dns: Dns) -> dict[str, str]:
    """Return the variables that certbot needs in every run: Route 53 has no argument for its credentials."""
    return {"AWS_SHARED_CREDENTIALS_FILE": dns.credentials} if dns.plugin == ROUTE53 else {}


def difference(dns: Dns, kept: t.Mapping[str, str]) -> str:
    """Return in what the parameters that certbot kept differ, or nothing."""
    if dns.plugin != ROUTE53 and (credentials := kept.get(f"dns_{dns.plugin}_credentials", "")) != dns.credentials:
        return f"its credentials are in {credentials or 'no file'}, not in {dns.credentials}"
    seconds = kept.get(f"dns_{dns.plugin}_propagation_seconds", "")
    if dns.propagation_seconds is not None and seconds != str(dns.propagation_seconds):
        return f"it waits {seconds or 'the default number of'} seconds for the DNS, not {dns.propagation_seconds}"
    return ""


def credentials_file(plugin: str, credentials: t.Mapping[str, t.Any], header: str = "") -> str:
    """Return the file in the form that the plugin reads; JSON has no room for the header."""
    if plugin == GOOGLE:
        return json.dumps(credentials, indent=2, sort_keys=True) + "\n"
    if plugin == ROUTE53:
        lines = ["[default]", *(f"{key} = {value}" for key, value in sorted(credentials.items()))]
    else:
        lines = [f"dns_{plugin}_{key} = {_quoted(str(value))}" for key, value in sorted(credentials.items())]
    return "\n".join([header.strip(), *lines]).lstrip() + "\n"


def is_writable(plugin: str, value: t.Any) -> bool:
    """Whether the plugin's file can hold this value: it knows no escapes, and takes %(name)s for a reference."""
    if plugin == GOOGLE:
        return isinstance(value, str)
    text = str(value)
    return isinstance(value, (str, int)) and text.isprintable() and not ({"'", '"'} <= set(text) or "%(" in text)


def _quoted(text: str) -> str:
    """Without quotes, a comma makes a list, and # begins a comment."""
    return f"'{text}'" if '"' in text else f'"{text}"'
