"""The role docker, used alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

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


def test_there_is_room_for_the_networks_of_many_stacks(info):
    pools = [(int(pool["Base"].rpartition("/")[2]), pool["Size"]) for pool in info["DefaultAddressPools"]]
    assert sum(2 ** (size - prefix) for prefix, size in pools) >= 3 * 100


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


@pytest.mark.parametrize(
    ("given", "says"),
    [
        # The depot's key is not Docker's.
        (
            {"docker_repository_key_checksum": "1500c1f56fa9e26b9b8f42452a553675796ade0807cdce11975eb98170b3a570"},
            "set docker_repository_key_checksum",
        ),
        (
            {"docker_repository_key": "http://depot.lab.test/nowhere"},
            "docker_repository_key (http://depot.lab.test/nowhere)",
        ),
        ({"docker_repository_key_checksum": "0EBFCD88"}, "docker_repository_key_checksum: '0EBFCD88' is not a sha256"),
        ({"docker_daemon_options": {"hosts": ["fd://", "tcp://0.0.0.0:2375"]}}, "hosts has tcp://0.0.0.0:2375"),
    ],
)
def test_what_must_not_be_is_refused_and_changes_nothing(host, ansible_playbook, given, says):
    everything = "find /etc/apt /etc/docker -printf '%p %s %T@\n' | sort"
    before = host.check_output(everything)
    playbook = Path(__file__).parents[1] / "docker.yml"
    done = ansible_playbook(str(playbook), "--extra-vars", json.dumps({"docker_origin": "docker", **given}))
    assert done.returncode != 0
    assert says in " ".join(done.stdout.split())
    assert host.check_output(everything) == before


def test_nobody_reaches_the_engine_but_root(host):
    assert host.check_output("getent group docker").endswith(":")
    with host.sudo():
        listening = host.check_output("ss --listening --tcp --numeric --processes --no-header")
    assert "dockerd" not in listening


def test_a_login_is_for_root_only_and_pulls(host):
    name = "private.lab.test:5000/nothing:1"
    with host.sudo():
        config = host.file("/root/.docker/config.json")
        assert (config.user, config.mode) == ("root", 0o600)
        assert host.file("/root/.docker").mode == 0o700
        # The password is not there for everybody to see in passing.
        assert "only-in-the-lab" not in config.content_string
        host.check_output(f"tar --create --files-from /dev/null | docker import - {name}")
        assert host.run(f"docker --config /nowhere push {name}").rc != 0
        host.check_output(f"docker push --quiet {name} && docker image rm {name} && docker pull {name}")


def test_a_password_is_in_no_log(host):
    encoded = base64.b64encode(b"lab:only-in-the-lab").decode()
    with host.sudo():
        for words in ("only-in-the-lab", encoded):
            # The brackets: sudo logs what it is asked to look for.
            assert host.run(f"journalctl --output cat | grep --quiet '{words[:-1]}[{words[-1]}]'").rc == 1


def test_no_container_gains_privileges(host):
    with host.sudo():
        status = host.check_output("docker run --rm --pull missing redis:8 grep NoNewPrivs /proc/self/status")
    assert status.split() == ["NoNewPrivs:", "1"]


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
