"""What a process gets that breaks into a container: nearly nothing."""

from __future__ import annotations

import json

import pytest

SERVICES = ("db", "redis", "web", "celery", "celery-beat", "nginx", "edge")


@pytest.fixture(scope="module")
def containers(host):
    """All of them by their service, as Docker knows them."""
    found = json.loads(host.check_output("docker inspect $(docker ps --quiet)"))
    by_service = {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}
    assert set(SERVICES) <= set(by_service)
    return by_service


def offenders(containers, wrong):
    return [service for service, one in containers.items() if wrong(one)]


@pytest.mark.parametrize(
    ("promise", "wrong"),
    [
        ("a user of its own", lambda one: one["Config"]["User"].split(":")[0] in ("", "0", "root")),
        ("a read-only root", lambda one: not one["HostConfig"]["ReadonlyRootfs"]),
        ("no capability", lambda one: one["HostConfig"]["CapDrop"] != ["ALL"] or one["HostConfig"]["CapAdd"]),
        ("no privileges", lambda one: one["HostConfig"]["Privileged"]),
        ("no new ones", lambda one: "no-new-privileges:true" not in (one["HostConfig"]["SecurityOpt"] or [])),
        ("a limit of memory", lambda one: not one["HostConfig"]["Memory"]),
        ("a limit of processes", lambda one: not one["HostConfig"]["PidsLimit"]),
        ("a share of the processor", lambda one: not one["HostConfig"]["CpuShares"]),
        ("a health check", lambda one: not (one["Config"].get("Healthcheck") or {}).get("Test")),
        ("a bounded log", lambda one: not bounded(one["HostConfig"]["LogConfig"])),
        ("a network of its own", lambda one: "bridge" in one["NetworkSettings"]["Networks"]),
        ("no namespace of the host", lambda one: "host" in namespaces(one["HostConfig"])),
        ("no socket and no folder of the system", lambda one: system_mounts(one)),
        ("a restart after a reboot", lambda one: one["HostConfig"]["RestartPolicy"]["Name"] != "unless-stopped"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_container_has(containers, promise, wrong):
    assert offenders(containers, wrong) == [], promise


def bounded(log):
    return log["Type"] == "local" and log["Config"].get("max-size")


def namespaces(settings):
    return [settings[name] for name in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode")]


def system_mounts(one):
    system = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/run")
    sources = [mount["Source"] for mount in one["Mounts"] if mount["Type"] == "bind"]
    return [path for path in sources if path in system or path.endswith(".sock")]


def test_no_process_has_a_capability(host, containers):
    for service, one in containers.items():
        status = host.check_output(f"cat /proc/{one['State']['Pid']}/status")
        held = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
        assert int(held, 16) == 0, service


def test_the_root_file_system_of_the_project_cannot_be_written(host, containers):
    touch = f"docker exec {containers['web']['Name'].strip('/')} touch %s"
    for path in ("/app/intruder", "/usr/local/bin/intruder", "/run/intruder"):
        assert "Read-only file system" in host.run(touch, path).stderr
    assert host.run(touch, "/tmp/note").rc == 0


def test_only_nginx_publishes_ports(containers):
    published = {name for name, one in containers.items() if any((one["HostConfig"]["PortBindings"] or {}).values())}
    assert published == {"edge"}


def test_the_database_reaches_neither_the_internet_nor_the_host(host, containers):
    outside = host.check_output("ip -4 route show default").split()[2]
    gateway = containers["web"]["NetworkSettings"]["Networks"]["shop_front"]["Gateway"]

    def connects(target, port):
        attempt = f"timeout 5 docker exec shop-db-1 bash -c 'exec 3<>/dev/tcp/{target}/{port}'"
        return host.run(attempt).rc == 0

    assert connects("redis", 6379)
    assert [one for one in ((outside, 22), (gateway, 22), (gateway, 443)) if connects(*one)] == []


def test_what_is_relaxed_for_one_service_stays_strict_for_the_others(containers):
    relaxed = containers["celery"]["HostConfig"]["Memory"], containers["web"]["HostConfig"]["Memory"]
    assert relaxed == (640 * 2**20, 512 * 2**20)
