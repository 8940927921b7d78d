# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ssh
from ansible_collections.landfall.django.plugins.module_utils._hardening.judge import OPENSSH
from ansible_collections.landfall.django.plugins.plugin_utils import _fresh_login


class Connection:
    """As much of Ansible's as is copied: options, and a way to run a command."""

    become = "sudo"

    def __init__(self, *answers):
        self._options = {"ssh_args": "-C -o ControlMaster=auto", "timeout": 60, "password": "s3cret", "port": 2222}
        self.answers, self.seen = list(answers), []

    def get_option(self, name):
        return self._options[name]

    def exec_command(self, command, sudoable):
        self.seen.append((dict(self._options), self._play_context.password, self.become))
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise AnsibleConnectionFailure(answer)
        return answer, b"", b"said"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(_fresh_login.time, "sleep", lambda seconds: None)


def login(connection):
    return _fresh_login.failure_of_fresh_login(connection, types.SimpleNamespace(password="s3cret"))


def test_the_login_shares_no_connection_and_has_no_password():
    connection = Connection(0)
    assert login(connection) == ""
    options, password, become = connection.seen[0]
    assert options["ssh_args"] == "-o ControlMaster=no -o ControlPath=none -C -o ControlMaster=auto"
    assert (options["password"], password, become, options["port"]) == (None, "", None, 2222)


def test_the_connection_of_the_play_stays_as_it_is():
    connection = Connection(0)
    login(connection)
    assert connection.get_option("password") == "s3cret"
    assert connection.get_option("ssh_args") == "-C -o ControlMaster=auto"


def test_a_sshd_that_starts_itself_again_is_waited_for():
    connection = Connection("Connection refused", "kex_exchange_identification: Connection reset by peer", 0)
    assert login(connection) == ""


def test_a_refused_key_is_tried_once_because_more_could_have_the_address_banned():
    connection = Connection("Permission denied (publickey).", 0)
    assert "Permission denied" in login(connection)
    assert connection.answers == [0]


def test_a_sshd_that_stays_away_is_a_failure():
    assert login(Connection(*["Connection refused"] * 9)) == "Connection refused"


def test_a_login_that_can_run_nothing_is_a_failure():
    assert login(Connection(1)) == "said"


def test_only_ansibles_own_ssh_is_taken_for_it():
    class Similar(ssh.Connection):
        """As Mitogen has one, and others that go on from a jump host."""

    own, similar = (kind.__new__(kind) for kind in (ssh.Connection, Similar))
    assert _fresh_login.way_in(own) == OPENSSH
    assert _fresh_login.way_in(similar) == f"ssh ({__name__})"
