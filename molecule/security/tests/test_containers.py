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


def test_no_two_services_share_a_user(host, containers):
    users = {service: one["Config"]["User"].split(":")[0] for service, one in containers.items()}
    project = {users.pop(service) for service in ("web", "celery", "celery-beat")}
    assert (project, users["db"], users["redis"]) == ({"10001"}, "10002", "10003")
    assert len({*users.values(), *project}) == len(users) + 1
    # Nor does anybody on the host have the number of those who hold data.
    accounts = {line.split(":")[2] for line in host.file("/etc/passwd").content_string.splitlines()}
    assert not accounts & {"10001", "10002", "10003"}


def test_a_host_without_memory_ends_background_work_first_and_the_database_last(host, containers):
    def score(service):
        return int(host.check_output(f"cat /proc/{containers[service]['State']['Pid']}/oom_score_adj"))

    order = ("celery", "web", "redis", "db")
    assert [score(service) for service in order] == [500, 300, 100, 0]
    assert score("celery-beat") == 500
    assert score("nginx") == 0


def test_redis_serves_the_project_and_none_of_its_dangerous_commands(host, containers):
    web = containers["web"]["Name"].strip("/")
    used = """
from django.core.cache import cache, caches
from django.conf import settings
from shop import celery_app
import redis
cache.set("one", 1); cache.incr("one"); print(cache.get_many(["one", "two"])); cache.clear(); print(cache.get("one"))
client = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
print(client.eval("return redis.call('ZADD', KEYS[1], 1, 'message')", 1, "channel"))
print(len(celery_app.control.ping(timeout=3)))
for command in ("CONFIG GET dir", "ACL LIST", "MODULE LIST", "DEBUG SLEEP 0", "REPLICAOF NO ONE", "SAVE", "SHUTDOWN",
                "FLUSHALL", "MONITOR", "MIGRATE h 1 k 0 1", "FUNCTION LIST"):
    try:
        print("allowed", command, client.execute_command(*command.split()))
    except redis.ResponseError as refused:
        assert "no permissions" in str(refused) or "not allowed" in str(refused), refused
"""
    said = host.check_output("docker exec %s python3 manage.py shell -v 0 -c %s", web, used)
    assert said.splitlines() == ["{'one': 2}", "None", "1", "1"]


def test_a_volume_of_another_owner_is_handed_over_and_no_link_in_it_followed(host, ansible_playbook):
    """As one that an earlier version has left, or a copy that root has put back."""
    volume = host.check_output("docker volume inspect --format '{{.Mountpoint}}' shop_redis-data")
    host.check_output("docker rm --force shop-redis-1")
    host.check_output(f"ln -s /etc/shadow {volume}/planted; chown -hR 999:999 {volume}")
    done = ansible_playbook("landfall.django.deploy")
    assert done.returncode == 0, done.stdout
    assert host.check_output(f"find {volume} -not -user 10003") == ""
    assert host.file("/etc/shadow").user == "root"
    assert host.check_output("docker inspect --format '{{.State.Health.Status}}' shop-redis-1") == "healthy"


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
