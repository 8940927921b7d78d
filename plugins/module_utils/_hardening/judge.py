# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role hardening has to know about a host before it changes anything.

Private to this collection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.landfall.django.plugins.module_utils._hardening import firewall, kernel, sshd, swap
from ansible_collections.landfall.django.plugins.module_utils._hardening.session import Session
from ansible_collections.landfall.django.plugins.module_utils._preflight import system

# Their packages conflict: installing one would remove the other.
_CLOCKS = ("chrony", "ntp", "ntpsec", "openntpd")
_NOT_OURS = ("port", "listenaddress", "include", "match")
# The one connection plugin that a fresh login can be made with.
OPENSSH = "ansible.builtin.ssh"
_UFW = "/etc/ufw/ufw.conf"


@dataclass(frozen=True)
class Wish:
    """What the role was asked for."""

    ssh: bool = True
    ssh_options: dict[str, object] = field(default_factory=dict)
    firewall: bool = True
    allowed_ports: list[object] = field(default_factory=list)
    container_ports: list[object] = field(default_factory=list)
    upgrades: bool = True
    reboot_time: str = ""
    time: bool = True
    fail2ban: bool = False
    journal: bool = False
    sysctl: dict[str, object] = field(default_factory=dict)
    swap_mib: int = 0


@dataclass(frozen=True)
class Found:
    """How the host is."""

    installed: frozenset[str] = frozenset()
    units: system.Units = field(default_factory=dict)
    container: bool = False
    ufw: bool = False
    by_sshd: bool = True
    ssh_ports: list[int] = field(default_factory=list)
    broken_sshd: str = ""
    journal_on_disk: bool = True
    sysctl_drifted: list[str] = field(default_factory=list)
    swap: swap.Host = field(default_factory=swap.Host)

    def enabled(self, unit: str) -> str:
        return self.units.get(unit, {}).get("enabled", "")

    def is_active(self, unit: str) -> bool:
        return self.units.get(unit, {}).get("active") == "active"


def problems(wish: Wish, found: Found, connection: str) -> list[str]:
    """What keeps the role from working, each with its cure."""
    result = [*_of_values(wish)]
    if wish.ssh and found.broken_sshd:
        result.append(found.broken_sshd)
    if wish.firewall and found.ufw:
        result.append(
            "hardening_firewall: ufw is active. Two firewalls would contradict each other, and ufw does not see the "
            "ports that Docker publishes. Run `ufw disable` and list your ports in hardening_allowed_ports, or set "
            "hardening_firewall: false."
        )
    if wish.firewall and found.is_active("firewalld.service"):
        result.append(
            "hardening_firewall: firewalld is active. Two firewalls would contradict each other. Run "
            "`systemctl disable --now firewalld`, restart Docker if it runs, and list your ports in "
            "hardening_allowed_ports, or set hardening_firewall: false."
        )
    if (wish.ssh or wish.firewall) and found.by_sshd and connection != OPENSSH:
        result.append(unprovable(connection))
    return result


def unprovable(connection: str) -> str:
    """The problem of a play that is connected over ssh by a plugin that no fresh login can be made with."""
    return (
        f"ansible_connection: this play is connected by {connection}, which cannot prove that a fresh login works. "
        f"Without that proof you could be locked out. Use {OPENSSH} (on the host itself with ansible_host: 127.0.0.1) "
        "and one of Ansible's own strategies; or set hardening_ssh: false and hardening_firewall: false."
    )


def _of_values(wish: Wish) -> Iterable[str]:
    for keyword, value in wish.ssh_options.items():
        if keyword.lower() in _NOT_OURS:
            yield f"hardening_ssh_options: {keyword} is not for this role, which keeps sshd's ports: leave it out."
        elif not re.fullmatch(r"[A-Za-z0-9]+", keyword) or re.search(r"[\r\n]", str(value)):
            yield f"hardening_ssh_options: {keyword!r} is not one option of sshd with its value: correct it."
    said = "A port is a number up to 65535, a range is 8000-8010, and either may end in /udp"
    if wrong := firewall.split(wish.allowed_ports)[2]:
        yield (
            f"hardening_allowed_ports: {', '.join(wrong)}. {said}. After that may come who is let in: a network or an "
            "interface, as in 9100 from 10.8.0.0/24, or 9100 from wg0."
        )
    if wrong := firewall.parse(wish.container_ports)[1]:
        yield f"hardening_container_ports: {', '.join(wrong)}. {said}."
    if wish.reboot_time and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", wish.reboot_time):
        yield f"hardening_reboot_time: {wish.reboot_time!r} is not a time such as '03:30' (in quotes)."


def packages(wish: Wish, installed: Iterable[str]) -> list[str]:
    """The packages that are missing."""
    present = set(installed)
    wanted = []
    if wish.firewall or wish.fail2ban:
        wanted.append("nftables")
    if wish.upgrades:
        wanted.append("unattended-upgrades")
    if wish.time and not present.intersection(_CLOCKS):
        wanted.append("systemd-timesyncd")
    if wish.fail2ban:
        # It reads the journal through the second.
        wanted += ["fail2ban", "python3-systemd"]
    return [name for name in wanted if name not in present]


def units(wish: Wish, found: Found) -> dict[str, bool]:
    """The units to enable; true for those to start as well."""
    wanted = {"landfall-undo.service": False}
    if wish.firewall:
        # What starts it is the change that is kept only after a fresh login.
        wanted[firewall.UNIT] = False
    if wish.upgrades:
        wanted.update({"apt-daily.timer": True, "apt-daily-upgrade.timer": True})
    if wish.time and not found.installed.intersection(_CLOCKS):
        # A container has the clock of its host.
        wanted["systemd-timesyncd.service"] = not found.container
    if wish.fail2ban:
        wanted["fail2ban.service"] = True
    return {
        name: runs
        for name, runs in wanted.items()
        if found.enabled(name) != "masked"
        and (found.enabled(name) != "enabled" or (runs and not found.is_active(name)))
    }


def warnings(wish: Wish, found: Found) -> list[str]:
    """What the role cannot do, without failing for it."""
    sentences = []
    timers = ("apt-daily.timer", "apt-daily-upgrade.timer")
    masked = [name for name in timers if found.enabled(name) == "masked"]
    if wish.upgrades and masked:
        sentences.append(
            f"hardening_upgrades: nothing is upgraded, these are masked: {', '.join(masked)}. Run `systemctl unmask`."
        )
    reason = "" if found.container else swap.obstacle(wish.swap_mib, found.swap)
    if reason:
        sentences.append(
            f"hardening_swap_mib: the host has {found.swap.memory_mib} MiB of memory and gets no swap file: {reason}. "
            "Add swap yourself, or set hardening_swap_mib: 0."
        )
    return sentences


def lacks_swap(wish: Wish, found: Found) -> bool:
    """Whether the host is to get a swap file. A container has the swap of its host."""
    return not found.container and swap.is_missing(wish.swap_mib, found.swap)


UNITS = (
    "landfall-undo.service",
    firewall.UNIT,
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "systemd-timesyncd.service",
    "fail2ban.service",
    "firewalld.service",
)
PACKAGES = ("nftables", "unattended-upgrades", "systemd-timesyncd", "fail2ban", "python3-systemd", *_CLOCKS)


def look(wish: Wish, session: Session | None) -> Found:
    """Look at this host, from a session of sshd or another."""
    listening, broken = _listening()
    container = os.path.exists("/run/systemd/container")
    return Found(
        installed=frozenset(system.packages(PACKAGES)),
        units=system.units(UNITS),
        container=container,
        ufw=_ufw_is_enabled(),
        by_sshd=session is not None,
        # The login's own, too: sshd may be about to listen elsewhere.
        ssh_ports=sorted({*listening, *([session.port] if session else [])}),
        broken_sshd=broken,
        journal_on_disk=_has_journal(),
        sysctl_drifted=kernel.drifted(wish.sysctl, container),
        swap=swap.look(),
    )


def _has_journal(folder: str = "/var/log/journal") -> bool:
    """Whether journald writes to the disk: it stays in memory until it is told, even where the folder exists."""
    try:
        with open("/etc/machine-id", encoding="utf-8") as stream:
            return os.path.exists(os.path.join(folder, stream.read().strip(), "system.journal"))
    except OSError:
        return False


def _ufw_is_enabled() -> bool:
    try:
        with open(_UFW, encoding="utf-8", errors="replace") as stream:
            return bool(re.search(r"^\s*ENABLED=[\"']?yes", stream.read(), re.MULTILINE | re.IGNORECASE))
    except OSError:
        return False


def _listening() -> tuple[list[int], str]:
    """The ports that sshd listens on by its configuration, or what is wrong with that."""
    try:
        return sshd.ports(sshd.effective()), ""
    except sshd.SshdError as error:
        return [], sshd.broken(error)
