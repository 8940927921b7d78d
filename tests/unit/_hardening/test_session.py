# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import session


def process(proc, pid, parent, program="python3", **environment):
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} ({program}) S {parent} 1 1 0")
    (folder / "environ").write_bytes(b"".join(f"{name}={value}\0".encode() for name, value in environment.items()))


def test_the_login_is_found_behind_sudo_which_takes_the_environment_away(tmp_path):
    process(tmp_path, 30, 20, SUDO_USER="ops")
    process(tmp_path, 20, 10, program="sudo (1) x")
    process(tmp_path, 10, 1, LOGNAME="ops", SSH_CONNECTION="192.0.2.7 50000 192.0.2.1 2222")
    found = session.current(30, str(tmp_path))
    assert found == session.Session(user="ops", source="192.0.2.7", address="192.0.2.1", port=2222)


def test_a_link_local_address_loses_its_zone():
    found = session.from_environment({"SSH_CONNECTION": "fe80::7%eth0 50000 fe80::1%eth0 22"})
    assert (found.source, found.address) == ("fe80::7", "fe80::1")


def test_the_nearest_login_counts(tmp_path):
    process(tmp_path, 20, 10, LOGNAME="root", SSH_CONNECTION="192.0.2.8 50000 192.0.2.1 22")
    process(tmp_path, 10, 1, LOGNAME="ops", SSH_CONNECTION="192.0.2.7 50000 192.0.2.1 2222")
    assert session.current(20, str(tmp_path)).user == "root"


@pytest.mark.parametrize("said", ["", "192.0.2.7 50000", "192.0.2.7 50000 192.0.2.1 ssh"])
def test_what_is_no_login_of_sshd_is_none(tmp_path, said):
    process(tmp_path, 20, 1, SSH_CONNECTION=said)
    assert session.current(20, str(tmp_path)) is None


def test_a_process_that_has_ended_meanwhile_is_none(tmp_path):
    assert session.current(20, str(tmp_path)) is None
