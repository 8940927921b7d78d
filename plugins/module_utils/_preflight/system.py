# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which packages a host has, how its units are, and what it thinks of a calendar expression. One command tells of all
packages, and one of all units (decision 18 says why).

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

Units = dict[str, dict[str, str]]


def packages(names: Sequence[str]) -> list[str]:
    """Those of the packages that are installed."""
    listed = _said("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names) if names else ""
    return parse_packages(listed)


def units(names: Sequence[str]) -> Units:
    """By name: whether the unit is `enabled` and `active`, in the words of `systemctl show`."""
    shown = _said("systemctl", "show", "--property=UnitFileState,ActiveState", *names) if names else ""
    return parse_units(names, shown)


def calendar_problem(expression: str) -> str:
    """Why no timer of systemd can have this calendar expression; empty where it can, or where nobody can tell."""
    try:
        done = run(["systemd-analyze", "calendar", "--", expression])
    except FileNotFoundError:
        return ""
    if done.returncode:
        return done.stderr.strip() or "systemd refuses it"
    return "it never comes" if parse_next_elapse(done.stdout) == "never" else ""


def parse_next_elapse(shown: str) -> str:
    """When a calendar expression comes next, in the words of `systemd-analyze calendar`."""
    found = (line.partition(":") for line in shown.splitlines())
    return next((time.strip() for name, _colon, time in found if name.strip() == "Next elapse"), "")


def parse_packages(listed: str) -> list[str]:
    return sorted(line.split()[0] for line in listed.splitlines() if line.endswith(" installed"))


def parse_units(names: Sequence[str], shown: str) -> Units:
    """Of a unit that does not exist, `enabled` is empty."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n") if block]
    blocks += [{}] * (len(names) - len(blocks))
    return {
        name: {"enabled": block.get("UnitFileState", ""), "active": block.get("ActiveState", "inactive")}
        for name, block in zip(names, blocks)
    }


def _said(*words: str) -> str:
    try:
        return run(words).stdout
    except FileNotFoundError:  # not Debian, or no systemd: then there is none
        return ""
