# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import kernel

from rendered import rendered, variable

WANTED = {"net.ipv4.tcp_syncookies": 1, "net.ipv4.ports": "1 2", "vm.overcommit_memory": 1, "kernel.lacking": 2}


@pytest.fixture
def proc(tmp_path):
    for name, value in {
        "net/ipv4/tcp_syncookies": "1\n",
        "net/ipv4/ports": "1\t2\n",
        "vm/overcommit_memory": "0\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    return tmp_path


def file(container):
    probe = {"container": container, "sysctl_drifted": []}
    return rendered("hardening", "roles/hardening/templates/sysctl.conf.j2", {"__hardening_probe": probe})


def test_what_drifted_is_named_and_what_the_kernel_lacks_is_not(proc):
    assert kernel.drifted(WANTED, False, str(proc)) == ["vm.overcommit_memory"]
    (proc / "vm/overcommit_memory").write_text("1\n")
    assert kernel.drifted(WANTED, False, str(proc)) == []


def test_a_container_is_asked_for_its_network_only(proc):
    (proc / "net/ipv4/tcp_syncookies").write_text("0\n")
    assert kernel.drifted(WANTED, True, str(proc)) == ["net.ipv4.tcp_syncookies"]


def test_what_nobody_may_set_here_has_not_drifted(proc, monkeypatch):
    monkeypatch.setattr(kernel.os, "access", lambda path, mode: False)
    assert kernel.drifted(WANTED, False, str(proc)) == []


def test_the_file_has_each_setting_and_in_a_container_those_of_the_network():
    settings = variable("hardening", "__hardening_sysctl", {})
    lines = re.findall(r"^-(\S+) = (\S+)$", file(False), re.MULTILINE)
    assert dict(lines) == {name: str(value) for name, value in settings.items()}
    assert {name.split(".")[0] for name in settings} > {"net"}
    assert {line.split(".")[0] for line in re.findall(r"^[^#\n].*", file(True), re.MULTILINE)} == {"-net"}
