# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._hardening import kernel

WANTED = {"net.ipv4.tcp_syncookies": 1, "vm.overcommit_memory": 1}


@pytest.fixture
def proc(tmp_path):
    for name, value in {
        "net/ipv4/tcp_syncookies": "1\n",
        "vm/overcommit_memory": "0\n",
        "net/ipv4/ports": "1\t2\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    return tmp_path


def test_a_container_makes_settings_of_its_network_only():
    assert kernel.own(WANTED, container=True) == {"net.ipv4.tcp_syncookies": "1"}
    assert list(kernel.own(WANTED, container=False)) == list(WANTED)


def test_only_what_differs_is_made(proc):
    settings = kernel.own({**WANTED, "net.ipv4.ports": "1 2"}, container=False)
    assert kernel.different(settings, str(proc)) == {"vm.overcommit_memory": "1"}
    assert kernel.make({"vm.overcommit_memory": "1"}, str(proc)) == {}
    assert kernel.different(settings, str(proc)) == {}


def test_what_the_kernel_does_not_have_is_missing_and_not_different(proc):
    settings = {"kernel.yama.ptrace_scope": "1"}
    assert kernel.missing(settings, str(proc)) == ["kernel.yama.ptrace_scope"]
    assert kernel.different(settings, str(proc)) == {}


def test_what_the_kernel_refuses_is_named_with_its_reason(proc):
    (proc / "net/ipv4/route").mkdir()
    assert kernel.make({"net.ipv4.route": "1"}, str(proc)) == {"net.ipv4.route": "Is a directory"}


def test_the_file_says_nothing_at_boot_of_what_is_missing():
    assert kernel.content({"vm.swappiness": "10"}, "# Managed\n") == "# Managed\n-vm.swappiness = 10\n"
