# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles docker and letsencrypt refuse: each problem names its variable, and good values have none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import certificate, distributions, docker
from ansible_collections.landfall.django.plugins.module_utils._preflight.roles import CHECKS

from rendered import variable
from tests.unit.sentences import only

DOCKER: dict[str, Any] = {
    "docker_origin": "docker",
    "docker_repository_key_checksum": variable("docker", "docker_repository_key_checksum", {}),
    "docker_version": "5:29.*",
    "docker_daemon_options": {"hosts": ["fd://", "unix:///run/other.sock"], "debug": True},
}
CERTIFICATE: dict[str, Any] = {
    "letsencrypt_domains": ["shop.example.com", "www.shop.example.com"],
    "letsencrypt_email": "",
    "letsencrypt_name": "shop",
    "letsencrypt_directory_url": variable("letsencrypt", "letsencrypt_directory_url", {}),
    "letsencrypt_https_port": 0,
}


def system(name: str) -> dict[str, Any]:
    word, version = name.split()
    found = {"id": word.lower(), "version": version, "release": "", "name": name}
    return {"distribution": found, "packages": [], "programs": {}}


@pytest.mark.parametrize("values", [{}, DOCKER, {**DOCKER, "docker_daemon_options": {}}, {"docker_version": ""}])
def test_good_values_of_docker(values: dict[str, Any]) -> None:
    assert list(docker.problems_of(values)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # A fingerprint, a digest of another kind, and a checksum as get_url has it
        ("docker_repository_key_checksum", "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"),
        ("docker_repository_key_checksum", ""),
        ("docker_repository_key_checksum", f"sha256:{'0' * 64}"),
        ("docker_daemon_options", {"hosts": ["fd://", "tcp://0.0.0.0:2375"]}),
        ("docker_daemon_options", {"hosts": "tcp://127.0.0.1:2375"}),
    ],
)
def test_bad_values_of_docker(name: str, value: Any) -> None:
    assert only(list(docker.problems_of({**DOCKER, name: value}))).startswith(f"{name}: ")


def test_the_distribution_has_no_choice_of_versions() -> None:
    said = only(list(docker.problems_of({**DOCKER, "docker_origin": "distribution"})))
    assert said.startswith("docker_version: ")
    assert "docker_origin" in said


@pytest.mark.parametrize("values", [{}, CERTIFICATE, {**CERTIFICATE, "letsencrypt_email": "ops@example.com"}])
def test_good_values_of_letsencrypt(values: dict[str, Any]) -> None:
    assert list(certificate.problems_of(values)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("letsencrypt_domains", []),
        ("letsencrypt_domains", ["*.example.com"]),
        ("letsencrypt_domains", ["https://shop.example.com"]),
        ("letsencrypt_domains", ["203.0.113.7"]),
        ("letsencrypt_email", "ops"),
        ("letsencrypt_name", "../shop"),
        ("letsencrypt_name", ""),
        ("letsencrypt_directory_url", "http://acme.example.com/directory"),
        ("letsencrypt_https_port", 70000),
    ],
)
def test_bad_values_of_letsencrypt(name: str, value: Any) -> None:
    assert only(list(certificate.problems_of({**CERTIFICATE, name: value}))).startswith(f"{name}: ")


SECRET = "only-in-a-vault"
RFC2136 = {"server": "192.0.2.1", "name": "landfall", "secret": SECRET}


@pytest.mark.parametrize(
    "given",
    [
        {"plugin": "rfc2136", "credentials": RFC2136},
        {"plugin": "rfc2136", "credentials": {**RFC2136, "port": 5353}, "propagation_seconds": 30},
        {"plugin": "cloudflare", "credentials": {"api_token": SECRET}},
        {"plugin": "cloudflare", "credentials": {"email": "ops@example.com", "api_key": SECRET}},
        {"plugin": "route53", "credentials": {"aws_access_key_id": "A", "aws_secret_access_key": SECRET}},
    ],
)
def test_a_wildcard_with_dns(given: dict[str, Any]) -> None:
    domains = ["example.com", "*.example.com"]
    values = {**CERTIFICATE, "letsencrypt_domains": domains, "letsencrypt_dns": given}
    assert list(certificate.problems_of(values)) == []
    first = only(list(certificate.problems_of({**values, "letsencrypt_domains": domains[::-1]})))
    assert first.startswith("letsencrypt_domains: '*.example.com'")
    without = only(list(certificate.problems_of({**values, "letsencrypt_dns": {}})))
    assert without.startswith("letsencrypt_domains: '*.example.com'")
    assert "letsencrypt_dns" in without


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"plugin": "bind", "credentials": RFC2136}, "rfc2136"),
        ({"credentials": RFC2136}, "rfc2136"),
        ({"plugin": "rfc2136"}, "server and name and secret"),
        ({"plugin": "rfc2136", "credentials": SECRET}, "server and name and secret"),
        ({"plugin": "rfc2136", "credentials": {**RFC2136, "server": ""}}, "server and name and secret"),
        ({"plugin": "rfc2136", "credentials": {**RFC2136, "server": "ns.example.com"}}, "server is not an address"),
        ({"plugin": "cloudflare", "credentials": {"api_key": SECRET}}, "api_token, or email and api_key"),
        ({"plugin": "rfc2136", "credentials": {**RFC2136, "dns_rfc2136_port": 53}}, "'dns_rfc2136_port'"),
        ({"plugin": "rfc2136", "credentials": {**RFC2136, "secret": f"{SECRET}\n"}}, "credentials: secret"),
        ({"plugin": "rfc2136", "credentials": RFC2136, "propagation": 5}, "'propagation'"),
        ({"plugin": "rfc2136", "credentials": RFC2136, "propagation_seconds": "1m"}, "propagation_seconds"),
        (
            {
                "plugin": "route53",
                "credentials": {"aws_access_key_id": "A", "aws_secret_access_key": SECRET},
                "propagation_seconds": 5,
            },
            "propagation_seconds",
        ),
    ],
)
def test_bad_values_of_dns(given: dict[str, Any], word: str) -> None:
    said = only(list(certificate.problems_of({**CERTIFICATE, "letsencrypt_dns": given})))
    assert said.startswith("letsencrypt_dns: ")
    assert word in said
    assert SECRET not in said


@pytest.mark.parametrize(("name", "refused"), [("Debian 12", ["desec"]), ("Debian 13", ["ovh"]), ("Ubuntu 24.04", [])])
def test_a_plugin_that_the_distribution_lacks_is_refused(name: str, refused: list[str]) -> None:
    for plugin in ("rfc2136", "desec", "ovh"):
        said = list(certificate.host_problems({"letsencrypt_dns": {"plugin": plugin}}, system(name)))
        assert [sentence.partition(":")[0] for sentence in said] == ["letsencrypt_dns"] * (plugin in refused)


@pytest.mark.parametrize("name", distributions.SUPPORTED)
def test_each_supported_distribution_is_taken(name: str) -> None:
    for role in ("docker", "letsencrypt"):
        assert list(CHECKS[role].of_host({"docker_origin": "docker"}, system(name))) == []


@pytest.mark.parametrize("role", ["docker", "letsencrypt"])
@pytest.mark.parametrize("name", ["Debian 11", "Ubuntu 22.04", "Fedora 42"])
def test_any_other_distribution_is_refused(role: str, name: str) -> None:
    said = only(list(CHECKS[role].of_host({"docker_origin": "distribution", "letsencrypt_profile": "x"}, system(name))))
    assert name in said
    assert all(supported in said for supported in distributions.SUPPORTED)


@pytest.mark.parametrize(
    ("name", "present", "words"),
    [
        ("Debian 13", {"programs": {"/snap/bin/docker": True}}, ["snap", "snap remove docker"]),
        ("Ubuntu 24.04", {"packages": ["podman-docker"]}, ["Podman", "apt-get remove podman-docker"]),
        ("Debian 12", {"packages": ["docker.io"]}, ["docker.io", "apt-get remove docker.io"]),
    ],
)
def test_an_engine_that_no_stack_can_use_is_refused(name: str, present: dict[str, Any], words: list[str]) -> None:
    said = only(list(docker.host_problems({}, {**system(name), **present})))
    assert all(word in said for word in words)


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("Debian 13", {"packages": ["docker.io"], "programs": {"/snap/bin/docker": False}}),
        ("Debian 12", {"packages": ["docker-ce"]}),
        ("Debian 12", {"packages": ["docker.io"], "programs": {docker.PLUGINS[0]: True}}),
    ],
    ids=["distribution", "Docker's own", "with Compose"],
)
def test_an_engine_that_serves_is_taken(name: str, present: dict[str, Any]) -> None:
    assert list(docker.host_problems({}, {**system(name), **present})) == []


@pytest.mark.parametrize(
    ("packages", "own", "origin"),
    [
        ([], ["docker.io"], "docker"),
        (["docker.io"], ["docker.io"], "distribution"),
        (["docker.io"], [], "docker"),
        (["docker.io", "docker-ce"], ["docker.io"], "docker"),
    ],
)
def test_the_distributions_engine_is_kept(packages: list[str], own: list[str], origin: str) -> None:
    found = {"packages": packages, "distribution": {"docker_packages": own}}
    assert variable("docker", "docker_origin", {"__docker_preflight": found}) == origin
    assert variable("docker", "docker_origin", {}) == "docker"


def test_what_a_distribution_lacks_is_refused_there_only() -> None:
    wanted = {"docker_origin": "distribution", "letsencrypt_profile": "shortlived"}
    found = {
        name: [sentence.partition(":")[0] for check in CHECKS.values() for sentence in _of_host(check, wanted, name)]
        for name in distributions.SUPPORTED
    }
    assert found == {
        "Debian 12": ["docker_origin", "letsencrypt_profile"],
        "Debian 13": [],
        "Ubuntu 24.04": ["letsencrypt_profile"],
    }


def _of_host(check: Any, values: dict[str, Any], name: str) -> list[str]:
    return list(check.of_host(values, {**system(name), "accounts": []}))
