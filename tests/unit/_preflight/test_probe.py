# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel and Docker tell is read right: recorded texts, and this machine itself."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import look, probe
from ansible_collections.landfall.django.plugins.module_utils._sizes import host

from rendered import rendered, variable

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 163159 1 0 100 0 0 10 0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 163170 1 0 100 0 0 10 0
   2: 0100007F:01BB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 163180 1 0 20 4 30 10 -1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when re
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 \
00000000     0        0 163165 1 0 100 0 0 10 0
"""
STATUS = json.loads((Path(__file__).parents[1] / "recorded/status.json").read_text())


def test_listening_sockets() -> None:
    assert probe.parse_listening(TCP) == {80: ["163159"], 3306: ["163170"]}
    assert probe.parse_listening(TCP6) == {80: ["163165"]}
    assert probe.parse_listening("") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\nVERSION_CODENAME=trixie\n',
            {"id": "debian", "version": "13", "release": "trixie", "name": "Debian GNU/Linux 13 (trixie)"},
        ),
        (
            "# comment\nID=ubuntu\nID_LIKE=debian\nVERSION_ID='24.04'\n",
            {"id": "ubuntu", "version": "24.04", "release": "", "name": "ubuntu"},
        ),
        ("", {"id": "", "version": "", "release": "", "name": ""}),
    ],
)
def test_os_release(text: str, expected: dict[str, str]) -> None:
    assert probe.parse_os_release(text) == expected


def test_memory_is_the_kernels_total() -> None:
    (total,) = re.findall(r"^MemTotal: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert host.memory_mib() == int(total) // 1024


def test_the_holder_of_a_lock_is_found() -> None:
    locks = """1: POSIX  ADVISORY  WRITE 812 08:01:1311 0 EOF
1: -> POSIX  ADVISORY  WRITE 999 08:01:1312 0 EOF
2: FLOCK  ADVISORY  WRITE 700 00:19:42 0 EOF
"""
    assert [probe.parse_locks(locks, inode) for inode in (1311, 1312, 42, 13)] == [812, 0, 700, 0]


def test_socket_links() -> None:
    assert probe.parse_socket_link("socket:[163159]") == "163159"
    assert probe.parse_socket_link("pipe:[163159]") == ""


def test_architecture_in_dockers_words() -> None:
    assert [probe.architecture(name) for name in ("x86_64", "aarch64", "ppc")] == ["amd64", "arm64", "ppc"]


def test_a_container_is_named_instead_of_its_proxy() -> None:
    edge = next(item for item in STATUS["nginx"]["inspect"] if item["Name"] == "/nginx-edge-1")
    publisher = probe.publisher(edge)
    assert publisher == {"container": "nginx-edge-1", "project": "nginx", "service": "edge"}
    proxies = {"163159": (40, "docker-proxy")}
    assert probe.owners(["163159"], proxies, [publisher]) == [publisher]
    assert probe.owners([], {}, [publisher]) == [publisher]
    assert probe.publisher({"Name": "/blog", "Config": {"Labels": None}})["project"] == ""


def test_processes_are_named_once() -> None:
    processes = {"1": (31, "nginx"), "2": (31, "nginx"), "3": (99, "other")}
    assert probe.owners(["1", "2"], processes, []) == [{"pid": 31, "process": "nginx"}]
    assert probe.owners(["9"], processes, []) == [{"process": ""}]
    assert probe.owners([], processes, []) == []


def test_this_process_is_found_on_the_port_it_holds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (entry,) = look.holders([port])
        name = Path("/proc/self/comm").read_text().strip()
        assert entry == {"port": port, "holders": [{"pid": os.getpid(), "process": name}]}
    assert look.holders([port]) == [{"port": port, "holders": []}]


def test_free_space_of_the_nearest_that_exists(tmp_path: Path) -> None:
    space = look.free_space(f"{tmp_path}/not/yet")
    assert space["existing"] == str(tmp_path)
    assert space["device"] == tmp_path.stat().st_dev
    assert isinstance(space["free_mib"], int)
    assert look.free_space("/nonexistent/x")["existing"] == "/"


@pytest.mark.parametrize("given", ["root", "0"])
def test_an_account_by_its_name_or_number(given: str) -> None:
    root = {"name": "root", "id": 0}
    assert look.account(given) == {"account": given, "user": {**root, "gid": 0}, "group": root}


def test_an_account_that_there_is_not() -> None:
    assert look.account("no-such-one") == {"account": "no-such-one", "user": None, "group": None}


def test_whose_a_folder_is_and_which_names_are_served(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    for name in ("shop", "blog"):
        given = {"nginx_site_name": name, "nginx_site_domains": [f"{name}.test", f"www.{name}.test"]}
        (tmp_path / f"conf.d/{name}.conf").write_text(rendered("nginx", "templates/nginx/site.conf.j2", given))
    assert look.sites(str(tmp_path)) == {name: [f"{name}.test", f"www.{name}.test"] for name in ("blog", "shop")}
    assert look.sites("") == look.sites(f"{tmp_path}/none") == {}
    compose = rendered("stack", "templates/compose.yaml.j2", {})
    assert probe.parse_compose_name(compose) == "shop"
    assert probe.parse_compose_name("") == ""


def test_files_that_only_root_may_write_have_a_checksum(tmp_path: Path) -> None:
    for name, mode in {"docker-1.asc": 0o644, "docker-2.asc": 0o666, "other": 0o644}.items():
        (tmp_path / name).write_text("key")
        (tmp_path / name).chmod(mode)
    (tmp_path / "docker-3.asc").symlink_to("docker-1.asc")
    found = look.checksums([f"{tmp_path}/docker-*.asc", f"{tmp_path}/none"])
    assert found == {f"{tmp_path}/docker-1.asc": hashlib.sha256(b"key").hexdigest()}


@pytest.mark.parametrize(("checksum", "good"), [("5EC7E7", True), ("0ddba11", False)])
def test_a_key_that_is_there_is_not_downloaded(checksum: str, good: bool) -> None:
    file = variable("docker", "__docker_key_file", {"__docker_preflight": {"distribution": {"id": "debian"}}})
    probe = {"distribution": {"id": "debian"}, "files": {file: "5ec7e7"}}
    known = {"__docker_preflight": probe, "docker_repository_key_checksum": checksum}
    assert variable("docker", "__docker_key_is_good", known) is good
    assert variable("docker", "__docker_key_is_good", {**known, "docker_repository_key": "https://mirror/gpg"}) is False
