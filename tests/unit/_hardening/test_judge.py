# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import judge

ON = {"enabled": "enabled", "active": "active"}
FIREWALLD = {"firewalld.service": ON}


def problems(wish=None, found=None, connection=judge.OPENSSH):
    return judge.problems(judge.Wish(**(wish or {})), judge.Found(**(found or {})), connection)


def test_a_bare_host_has_no_problem():
    assert problems({"allowed_ports": ["80", "443"], "ssh_options": {"AllowUsers": "ops"}}) == []


@pytest.mark.parametrize(
    ("wish", "found", "connection", "named", "cure"),
    [
        ({}, {"ufw": True}, judge.OPENSSH, "hardening_firewall: ufw", "ufw disable"),
        (
            {},
            {"units": FIREWALLD},
            judge.OPENSSH,
            "hardening_firewall: firewalld",
            "systemctl disable --now firewalld",
        ),
        ({}, {}, "paramiko", "ansible_connection", "hardening_ssh: false"),
        ({"ssh": False}, {}, "ansible.netcommon.libssh", "ansible_connection", "hardening_firewall: false"),
        ({"firewall": False}, {}, "ssh (ansible_mitogen.connection)", "ansible_connection", "strategies"),
        ({}, {}, "local (ansible.plugins.connection.local)", "ansible_connection", "127.0.0.1"),
        ({}, {"broken_sshd": "hardening_ssh: broken"}, judge.OPENSSH, "hardening_ssh", ""),
        ({"allowed_ports": ["http"]}, {}, judge.OPENSSH, "hardening_allowed_ports: http", "a number"),
        ({"container_ports": ["smtp"]}, {}, judge.OPENSSH, "hardening_container_ports: smtp", "a number"),
        (
            {"ssh_options": {"Port": 2222}},
            {},
            judge.OPENSSH,
            "hardening_ssh_options: Port",
            "leave it out",
        ),
        ({"ssh_options": {"Match": "all"}}, {}, judge.OPENSSH, "hardening_ssh_options: Match", ""),
        (
            {"ssh_options": {"Banner": "none\nPort 1"}},
            {},
            judge.OPENSSH,
            "hardening_ssh_options: 'Banner'",
            "one option",
        ),
        ({"ssh_options": {"A b": "no"}}, {}, judge.OPENSSH, "hardening_ssh_options: 'A b'", "one option"),
        ({"reboot_time": "24:00"}, {}, judge.OPENSSH, "hardening_reboot_time", "'03:30'"),
        ({"reboot_time": "330"}, {}, judge.OPENSSH, "hardening_reboot_time", "'03:30'"),
    ],
)
def test_a_problem_names_its_variable_and_the_cure(wish, found, connection, named, cure):
    (problem,) = problems(wish, found, connection)
    assert problem.startswith(named)
    assert cure in problem


@pytest.mark.parametrize(
    ("wish", "found", "connection"),
    [
        ({"firewall": False}, {"ufw": True, "units": FIREWALLD}, judge.OPENSSH),
        ({"ssh": False}, {"broken_sshd": "broken"}, judge.OPENSSH),
        ({}, {"by_sshd": False}, "paramiko_ssh"),
        ({"ssh": False, "firewall": False}, {}, "paramiko_ssh"),
    ],
)
def test_what_is_switched_off_is_no_problem(wish, found, connection):
    assert problems(wish, found, connection) == []


def test_only_missing_packages_are_installed_and_no_clock_beside_another():
    wish = judge.Wish()
    assert judge.packages(wish, []) == ["nftables", "unattended-upgrades", "systemd-timesyncd"]
    assert judge.packages(wish, ["nftables", "chrony"]) == ["unattended-upgrades"]
    off = dataclasses.replace(wish, firewall=False, upgrades=False, time=False)
    assert judge.packages(off, []) == []
    assert judge.packages(dataclasses.replace(off, fail2ban=True), []) == [
        "nftables",
        "fail2ban",
        "python3-systemd",
    ]


def test_units_are_enabled_until_they_are():
    wish = judge.Wish(upgrades=False)
    wanted = {"landfall-undo.service": False, "landfall-firewall.service": False, "systemd-timesyncd.service": True}
    assert judge.units(wish, judge.Found()) == wanted
    assert judge.units(wish, judge.Found(units=dict.fromkeys(wanted, ON))) == {}
    stopped = {name: {**ON, "active": "inactive"} for name in wanted}
    assert judge.units(wish, judge.Found(units=stopped)) == {"systemd-timesyncd.service": True}


def test_a_container_does_not_run_a_clock_and_another_clock_is_left_alone():
    wish = judge.Wish(firewall=False, upgrades=False)
    assert judge.units(wish, judge.Found(container=True))["systemd-timesyncd.service"] is False
    assert "systemd-timesyncd.service" not in judge.units(wish, judge.Found(installed=frozenset({"chrony"})))


def test_a_masked_timer_is_left_masked_and_said():
    found = judge.Found(units={"apt-daily.timer": {"enabled": "masked", "active": "inactive"}})
    assert "apt-daily.timer" not in judge.units(judge.Wish(), found)
    assert "apt-daily.timer" in judge.warnings(judge.Wish(), found)[0]
    assert judge.warnings(judge.Wish(upgrades=False), found) == []
