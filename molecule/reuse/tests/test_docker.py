"""The role docker, used alone."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def suite(host):
    return host.system_info.codename


@pytest.fixture
def info(host):
    with host.sudo():
        return json.loads(host.check_output("docker info --format '{{json .}}'"))


def test_the_engine_runs_now_and_after_a_reboot(host):
    assert host.service("docker").is_running
    assert host.service("docker").is_enabled


def test_it_comes_from_where_it_was_asked_to(host, suite):
    engine, other = ("docker.io", "docker-ce") if suite == "trixie" else ("docker-ce", "docker.io")
    assert host.package(engine).is_installed
    assert not host.package(other).is_installed
    assert host.file("/etc/apt/sources.list.d/docker.sources").exists == (suite == "bookworm")


def test_the_repository_is_trusted_by_its_own_key_only(host, suite):
    if suite == "trixie":
        # The distribution's packages: no other repository, and no key of one.
        assert host.check_output("find /etc/apt -name 'docker*'") == ""
        return
    source = host.file("/etc/apt/sources.list.d/docker.sources").content_string
    fields = dict(line.split(": ", 1) for line in source.splitlines() if not line.startswith("#"))
    assert fields["Signed-By"].startswith("/etc/apt/keyrings/docker-")
    assert "BEGIN PGP PUBLIC KEY" in host.file(fields["Signed-By"]).content_string
    policy = host.check_output("apt-cache policy docker-ce")
    assert fields["URIs"] in policy.partition("***")[2]


def test_apt_keeps_the_version_asked_for(host, suite):
    pinned = host.file("/etc/apt/preferences.d/docker")
    assert pinned.exists == (suite == "bookworm")
    if suite == "bookworm":
        assert "Pin: version 2*" in pinned.content_string
        assert " 1001" in host.check_output("apt-cache policy docker-ce")


def test_compose_is_version_2_or_newer(host):
    version = host.check_output("docker compose version --short").lstrip("v")
    assert int(version.split(".")[0]) >= 2


def test_buildx_is_there(host):
    assert "buildx" in host.check_output("docker buildx version")


def test_a_container_runs_from_an_image_of_the_mirror(host):
    with host.sudo():
        assert "Redis server" in host.check_output("docker run --rm --pull always redis:8 redis-server --version")


def test_the_configuration_is_in_force(info):
    assert info["LoggingDriver"] == "local"
    assert info["LiveRestoreEnabled"] is True
    assert info["RegistryConfig"]["Mirrors"] == ["http://registry.lab.test:5000/"]


def test_a_container_outlives_a_restart_of_the_engine(host):
    with host.sudo():
        name = host.check_output("docker run --detach redis:8")
        try:
            before = host.check_output("docker inspect --format '{{.State.Pid}}' %s", name)
            host.run_expect([0], "systemctl restart docker")
            assert host.check_output("docker inspect --format '{{.State.Pid}}' %s", name) == before
            assert host.file(f"/proc/{before}").exists
        finally:
            host.run("docker rm --force %s", name)


def test_apt_works_after_a_repository_that_did_not(host):
    with host.sudo():
        assert host.run("apt-get update --error-on=any").rc == 0
