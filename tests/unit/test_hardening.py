# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.landfall.django.plugins.module_utils import _hardening

FIREWALLD = {"firewalld.service": "active"}


def problems(wish=None, found=None, connection=_hardening.OPENSSH):
    return _hardening.problems(_hardening.Wish(**(wish or {})), _hardening.Found(**(found or {})), connection)


def test_a_bare_host_has_no_problem():
    assert problems({"allowed_ports": ["80", "443"], "ssh_options": {"AllowUsers": "ops"}}) == []


@pytest.mark.parametrize(
    ("wish", "found", "connection", "named", "cure"),
    [
        ({}, {"ufw": True}, _hardening.OPENSSH, "hardening_firewall: ufw", "ufw disable"),
        (
            {},
            {"active": FIREWALLD},
            _hardening.OPENSSH,
            "hardening_firewall: firewalld",
            "systemctl disable --now firewalld",
        ),
        ({}, {}, "paramiko", "ansible_connection", "hardening_ssh: false"),
        ({"ssh": False}, {}, "ansible.netcommon.libssh", "ansible_connection", "hardening_firewall: false"),
        ({"firewall": False}, {}, "ssh (ansible_mitogen.connection)", "ansible_connection", "strategies"),
        ({}, {}, "local (ansible.plugins.connection.local)", "ansible_connection", "127.0.0.1"),
        ({}, {"broken_sshd": "hardening_ssh: broken"}, _hardening.OPENSSH, "hardening_ssh", ""),
        ({"allowed_ports": ["http"]}, {}, _hardening.OPENSSH, "hardening_allowed_ports: http", "a number"),
        ({"container_ports": ["smtp"]}, {}, _hardening.OPENSSH, "hardening_container_ports: smtp", "a number"),
        (
            {"ssh_options": {"Port": 2222}},
            {},
            _hardening.OPENSSH,
            "hardening_ssh_options: Port",
            "keeps where sshd listens",
        ),
        ({"ssh_options": {"Match": "all"}}, {}, _hardening.OPENSSH, "hardening_ssh_options: Match", ""),
        (
            {"ssh_options": {"Banner": "none\nPort 1"}},
            {},
            _hardening.OPENSSH,
            "hardening_ssh_options: 'Banner'",
            "one option",
        ),
        ({"ssh_options": {"A b": "no"}}, {}, _hardening.OPENSSH, "hardening_ssh_options: 'A b'", "one option"),
        ({"reboot_time": "24:00"}, {}, _hardening.OPENSSH, "hardening_reboot_time", "'03:30'"),
        ({"reboot_time": "330"}, {}, _hardening.OPENSSH, "hardening_reboot_time", "'03:30'"),
    ],
)
def test_a_problem_names_its_variable_and_the_cure(wish, found, connection, named, cure):
    (problem,) = problems(wish, found, connection)
    assert problem.startswith(named)
    assert cure in problem


@pytest.mark.parametrize(
    ("wish", "found", "connection"),
    [
        ({"firewall": False}, {"ufw": True, "active": FIREWALLD}, _hardening.OPENSSH),
        ({"ssh": False}, {"broken_sshd": "broken"}, _hardening.OPENSSH),
        ({}, {"by_sshd": False}, "paramiko_ssh"),
        ({"ssh": False, "firewall": False}, {}, "paramiko_ssh"),
    ],
)
def test_what_is_switched_off_is_no_problem(wish, found, connection):
    assert problems(wish, found, connection) == []


def test_only_missing_packages_are_installed_and_no_clock_beside_another():
    wish = _hardening.Wish()
    assert _hardening.packages(wish, []) == ["nftables", "unattended-upgrades", "systemd-timesyncd"]
    assert _hardening.packages(wish, ["nftables", "chrony"]) == ["unattended-upgrades"]
    off = dataclasses.replace(wish, firewall=False, upgrades=False, time=False)
    assert _hardening.packages(off, []) == []
    assert _hardening.packages(dataclasses.replace(off, fail2ban=True), []) == [
        "nftables",
        "fail2ban",
        "python3-systemd",
    ]


def test_units_are_enabled_until_they_are():
    wish = _hardening.Wish(upgrades=False)
    wanted = {"landfall-undo.service": False, "landfall-firewall.service": False, "systemd-timesyncd.service": True}
    assert _hardening.units(wish, _hardening.Found()) == wanted
    enabled = _hardening.Found(enabled=dict.fromkeys(wanted, "enabled"), active={"systemd-timesyncd.service": "active"})
    assert _hardening.units(wish, enabled) == {}


def test_a_container_does_not_run_a_clock_and_another_clock_is_left_alone():
    wish = _hardening.Wish(firewall=False, upgrades=False)
    assert _hardening.units(wish, _hardening.Found(container=True))["systemd-timesyncd.service"] is False
    assert "systemd-timesyncd.service" not in _hardening.units(wish, _hardening.Found(installed=frozenset({"chrony"})))


def test_a_masked_timer_is_left_masked_and_said():
    found = _hardening.Found(enabled={"apt-daily.timer": "masked"})
    assert "apt-daily.timer" not in _hardening.units(_hardening.Wish(), found)
    assert "apt-daily.timer" in _hardening.warnings(_hardening.Wish(), found)[0]
    assert _hardening.warnings(_hardening.Wish(upgrades=False), found) == []
