# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out what the role hardening has to do on a host.

Behind the module `hardening_probe` and its action. Private to this collection.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._hardening import firewall, judge, session

_WISH: dict[str, dict[str, Any]] = {
    "ssh": {"type": "bool", "default": True},
    "ssh_options": {"type": "dict", "default": {}},
    "firewall": {"type": "bool", "default": True},
    "allowed_ports": {"type": "list", "elements": "str", "default": []},
    "container_ports": {"type": "list", "elements": "str", "default": []},
    "upgrades": {"type": "bool", "default": True},
    "reboot_time": {"type": "str", "default": ""},
    "time": {"type": "bool", "default": True},
    "fail2ban": {"type": "bool", "default": False},
    "journal": {"type": "bool", "default": False},
    "sysctl": {"type": "dict", "default": {}},
    "swap_mib": {"type": "int", "default": 0},
}
SPEC = {**_WISH, "connection": {"type": "str", "default": judge.OPENSSH}}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:  # noqa: ARG001 - it only reads
    """Return the result of the task with the options of SPEC."""
    wanted = judge.Wish(**{name: given[name] for name in _WISH})
    ours = session.current()
    found = judge.look(wanted, ours)
    problems = judge.problems(wanted, found, given["connection"])
    if problems:
        lines = ["nothing has been changed yet:", *(f"- {problem}" for problem in problems)]
        return {"failed": True, "msg": "\n".join(lines)}
    everybody, some, _wrong = firewall.split(wanted.allowed_ports)
    allowed, _wrong = firewall.parse([*everybody, *found.ssh_ports])
    to_containers, _wrong = firewall.parse(wanted.container_ports)
    return {
        "changed": False,
        "warnings": list(judge.warnings(wanted, found)),
        "tcp_ports": allowed["tcp"],
        "udp_ports": allowed["udp"],
        "visitors": [asdict(one) for one in firewall.visitors(some)],
        "container_tcp_ports": to_containers["tcp"],
        "container_udp_ports": to_containers["udp"],
        "ssh_ports": found.ssh_ports,
        "user": ours.user if ours else "",
        "packages": judge.packages(wanted, found.installed),
        "units": judge.units(wanted, found),
        "sysctl_drifted": found.sysctl_drifted,
        "container": found.container,
        "journal_in_memory": wanted.journal and not found.journal_on_disk,
        "firewall_active": found.is_active(firewall.UNIT),
        "swap_missing": judge.lacks_swap(wanted, found),
    }
