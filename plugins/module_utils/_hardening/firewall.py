# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ports that a host opens, and the table of nftables that closes the others.

Private to this collection.
"""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

RULES = "/etc/landfall/firewall.nft"
TABLE = ("inet", "landfall")
UNIT = "landfall-firewall.service"
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?")
_FROM = re.compile(r"(\S+)\s+from\s+(\S+)")
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")


class FirewallError(Exception):
    """The rules cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Visitors:
    """Those who come by an interface, or from certain addresses: `match` tells them in nftables, and the others are the
    ports and ranges that are open to them."""

    match: str
    tcp: list[str]
    udp: list[str]


def split(allowed: Iterable[object]) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """The ports that are open to everybody; those that are open to some, by what tells these in nftables; and the texts
    that are wrong."""
    everybody: list[str] = []
    some: dict[str, list[str]] = {}
    wrong = []
    for text in (str(given).strip() for given in allowed):
        limited = _FROM.fullmatch(text)
        port, match = (limited[1], _match(limited[2])) if limited else (text, "")
        if parse([port])[1] or (limited and not match):
            wrong.append(text)
        elif match:
            some.setdefault(match, []).append(port)
        else:
            everybody.append(port)
    return everybody, some, wrong


def visitors(some: dict[str, list[str]]) -> list[Visitors]:
    """Those of `split` to whom some ports are open."""
    return [Visitors(match, **parse(ports)[0]) for match, ports in some.items()]


def _match(source: str) -> str:
    """An address, a network or an interface in nftables; empty if it is none of them."""
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return f'iifname "{source}"' if _INTERFACE.fullmatch(source) else ""
    return f"{'ip' if network.version == 4 else 'ip6'} saddr {network}"


def parse(allowed: Iterable[object]) -> tuple[dict[str, list[str]], list[str]]:
    """The ports and ranges by protocol, sorted and without duplicates, and the texts that are neither."""
    ranges: dict[str, set[tuple[int, int]]] = {"tcp": set(), "udp": set()}
    wrong = []
    for given in allowed:
        found = _PORT.fullmatch(str(given).strip())
        first = int(found[1]) if found else 0
        last = int(found[2] or first) if found else 0
        if found and 0 < first <= last < 65536:
            ranges[found[3] or "tcp"].add((first, last))
        else:
            wrong.append(str(given))
    return {protocol: [_shown(*one) for one in merged(pairs)] for protocol, pairs in ranges.items()}, wrong


def merged(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping ranges as one, because a set of nftables accepts no port twice."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def _shown(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def check(path: str) -> None:
    """Let the kernel check the rules without loading them. Raises FirewallError if it refuses them."""
    ran = _nft("-c", "-f", path)
    if ran.returncode:
        raise FirewallError(refusal(ran.stderr))


def refusal(said: str) -> str:
    """What `nft` says, with the cure if the kernel is the cause."""
    said = said.strip()
    if re.search(r"Operation not (supported|permitted)|Protocol not supported|cache initialization failed", said):
        return (
            f"hardening_firewall: the kernel of this host has no nftables, or denies it to this host: {said}. "
            f"Set hardening_firewall: false, and close the ports in front of the host."
        )
    return f"hardening_firewall: nft refuses the rules: {said}"


def is_loaded() -> bool:
    return _nft("list", "table", *TABLE).returncode == 0


def _nft(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return run(["nft", *words])
    except FileNotFoundError as error:
        raise FirewallError("hardening_firewall: there is no nft; install the package nftables") from error
