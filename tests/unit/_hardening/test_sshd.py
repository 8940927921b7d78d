# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import sshd

CONFIG = """\
# PermitRootLogin yes
Include /etc/ssh/sshd_config.d/*.conf
passwordauthentication=yes
Port 2222   # moved
Match User backup
    PasswordAuthentication yes
"""


def test_keywords_are_read_without_comments_and_match_blocks():
    assert sshd.settings(CONFIG) == ["include", "passwordauthentication", "port"]


def test_the_ports_are_those_of_every_address():
    said = "port 22\nport 2222\nlistenaddress 0.0.0.0:22\nlistenaddress [::1]:2200\nlistenaddress 192.0.2.1:22\n"
    assert sshd.ports(sshd.parse_effective(said)) == [22, 2200, 2222]


def test_a_drop_in_decides_where_alone_and_together_give_the_same():
    own = {"maxauthtries": ["2"], "passwordauthentication": ["no"], "allowusers": ["ops"]}
    whole = {"maxauthtries": ["2"], "passwordauthentication": ["yes"], "allowusers": ["ops", "backup"]}
    assert sshd.undecided(own, own, whole) == ["allowusers", "passwordauthentication"]
    assert sshd.undecided(own, own, own) == []


def test_the_place_of_what_comes_first_is_named():
    files = {"/etc/ssh/sshd_config": CONFIG, "/etc/ssh/sshd_config.d/00-a.conf": "PasswordAuthentication yes\n"}
    assert sshd.places("passwordauthentication", files) == [
        "/etc/ssh/sshd_config:3",
        "/etc/ssh/sshd_config:6",
        "/etc/ssh/sshd_config.d/00-a.conf:1",
    ]


@pytest.mark.parametrize(
    ("line", "tried"),
    [
        ("Include /etc/ssh/sshd_config.d/*.conf", "Include /try/*.conf"),
        ("include sshd_config.d/*.conf", "include /try/*.conf"),
        ("Include=/etc/ssh/sshd_config.d/*.conf /etc/ssh/more/*", "Include=/try/*.conf /etc/ssh/more/*"),
        ("# Include /etc/ssh/sshd_config.d/*.conf", "# Include /etc/ssh/sshd_config.d/*.conf"),
        ("Banner /etc/ssh/sshd_config.d/banner", "Banner /etc/ssh/sshd_config.d/banner"),
    ],
)
def test_only_the_drop_ins_are_read_from_elsewhere_for_a_trial(line, tried):
    assert sshd.redirected(f"Port 22\n{line}\n", "/try") == f"Port 22\n{tried}\n"
