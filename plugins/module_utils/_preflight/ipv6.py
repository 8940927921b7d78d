# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide whether the front's network gets IPv6, so that its visitors keep their addresses. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# Since then ip6tables is on by default, and no experiment any more.
_ENGINE = 27
# In /proc/net/ipv6_route: a default route that the kernel has from a router's advertisement.
_RTF_DEFAULT = 0x00010000
# Of accept_ra: advertisements are read also while packets are forwarded.
_ALSO_FORWARDING = "2"


def is_possible(disabled: str, daemon: str, engine: str, routes: str, accept_ra: Mapping[str, str]) -> bool:
    """Whether the front's network can have IPv6 with nothing lost.

    `disabled` is the kernel's disable_ipv6 of new interfaces, empty without IPv6; `daemon` the text of daemon.json;
    `accept_ra` the kernel's setting by interface.
    """
    if disabled.strip() != "0" or not _has_ip6tables(daemon, engine):
        return False
    # Docker makes the host forward IPv6, and the kernel then forgets such routes: the host would lose its way out.
    return all(accept_ra.get(name, "").strip() == _ALSO_FORWARDING for name in advertised(routes))


def advertised(routes: str) -> set[str]:
    """The interfaces with a default route that the kernel has from a router's advertisement."""
    rows = (line.split() for line in routes.splitlines())
    return {row[9] for row in rows if len(row) == 10 and int(row[8], 16) & _RTF_DEFAULT}


def _has_ip6tables(daemon: str, engine: str) -> bool:
    """Whether the engine hands IPv6 packets to a container as they are, instead of docker-proxy."""
    try:
        options = json.loads(daemon or "{}")
    except ValueError:
        return False
    found = re.match(r"\d+", engine)
    if found is None or options.get("iptables") is False:
        return False
    if int(found.group()) >= _ENGINE:
        return options.get("ip6tables") is not False
    return options.get("experimental") is True and options.get("ip6tables") is True
