# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host lacks, or has too much of, to take a stack."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import host

from tests.unit.sentences import only

PORTS = {80: "nginx_http_port", 443: "nginx_https_port"}
PROBE: dict[str, Any] = {
    "distribution": {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"},
    "architecture": "amd64",
    "memory_mib": 1967,
    "apt_holder": "",
    "paths": [
        {"path": "/srv/shop", "existing": "/srv", "device": 1, "free_mib": 4000},
        {"path": "/var/lib/docker", "existing": "/var/lib", "device": 1, "free_mib": 4000},
    ],
    "ports": [
        {"port": 80, "holders": [{"container": "nginx-edge-1", "project": "nginx", "service": "edge"}]},
        {"port": 443, "holders": []},
    ],
}


def host_problems(minimum: int = 3072, **change: Any) -> list[str]:
    return host.problems_of({**PROBE, **change}, PORTS, minimum)


def test_a_good_host_is_not_talked_about() -> None:
    assert host_problems() == []
    assert host.warnings_of(PROBE) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"distribution": {"id": "debian", "version": "11", "name": "Debian 11"}}, "runs Debian 11, which is not"),
        ({"distribution": {"id": "", "version": "", "name": ""}}, "runs an unknown system"),
        ({"architecture": "riscv64"}, "architecture is riscv64"),
        (
            {"ports": [{"port": 80, "holders": [{"process": "apache2", "pid": 731}]}]},
            "nginx_http_port: port 80 of the host is taken by the process apache2 (pid 731): stop that, or set",
        ),
        (
            {"ports": [{"port": 443, "holders": [{"container": "proxy-1", "project": "traefik", "service": "proxy"}]}]},
            "nginx_https_port: port 443 of the host is taken by the container proxy-1 of the Compose project traefik",
        ),
        ({"ports": [{"port": 80, "holders": [{"process": ""}]}]}, "taken by a process that could not be seen"),
    ],
)
def test_what_keeps_a_host_from_it(change: dict[str, Any], sentence: str) -> None:
    assert sentence in only(host_problems(**change))


def test_a_full_file_system_is_named_once() -> None:
    sentence = only(host_problems(minimum=5000))
    assert "4000 MiB are free for /srv/shop on the host and a build needs 5000" in sentence


def test_a_busy_apt_is_told_and_waited_for() -> None:
    assert "unattended-upgr" in only(host.warnings_of({**PROBE, "apt_holder": "unattended-upgr"}))


def test_little_memory_is_only_a_warning() -> None:
    small = {**PROBE, "memory_mib": 481}
    assert "481 MiB" in only(host.warnings_of(small))
    assert host.problems_of(small, PORTS, 3072) == []


def test_what_another_stack_of_the_host_has_is_not_taken() -> None:
    probe = {**PROBE, "stack": "shop", "sites": {"shop": ["a.test", "b.test"], "blog": ["c.test"]}}

    def found(name: str, *domains: str) -> list[str]:
        return list(host.neighbour_problems(probe, name, "/srv/shop", name, domains))

    assert found("shop", "a.test", "b.test", "d.test") == []
    assert "stack_domains: 'c.test' is a host name of the site blog" in only(found("shop", "a.test", "c.test"))
    assert "stack_root: /srv/shop on the host belongs to the stack shop" in only(found("other", "d.test"))
    assert list(host.neighbour_problems(PROBE, "shop", "/srv/shop", "shop", ["a.test"])) == []
