"""Who can read a secret, and that each can be changed while the site serves."""

from __future__ import annotations

import json
import re

import pytest

from lab.bench.visitors import Visitors

SECRETS = "/srv/shop/secrets"
FILES = ("secret_key", "db/password", "db/root_password", "redis/password")
# Where a secret is in clear, for root only: Docker keeps what it gave to a container.
HOLDERS = (
    rf"{SECRETS}/\S+",
    r"/srv/shop/(next/|releases/\d+/)?\.env",
    r"/var/lib/docker/containers/\w+/config\.v2\.json",
)


@pytest.fixture(scope="module")
def site(visit):
    return visit("shop")


@pytest.fixture
def secrets(host):
    return {name: host.check_output(f"cat {SECRETS}/{name}") for name in FILES}


def environment(host, service):
    return "\n".join(
        json.loads(host.check_output(f"docker inspect --format '{{{{json .Config.Env}}}}' shop-{service}-1"))
    )


def test_a_service_sees_no_secret_that_it_does_not_use(host, secrets):
    for service in ("web", "celery", "celery-beat"):
        assert secrets["db/root_password"] not in environment(host, service)
    for service in ("db", "redis"):
        assert not [name for name, value in secrets.items() if value in environment(host, service)]
    assert host.run("docker exec shop-redis-1 ls /run/secrets").stdout.split() == ["password", "users.acl"]


def test_nobody_but_root_gets_to_the_files(host):
    assert host.check_output(f"stat -c '%a %U' {SECRETS}") == "700 root"
    for name in FILES:
        assert host.check_output(f"stat -c %a {SECRETS}/{name}") == "400"
    assert host.run(f"setpriv --reuid=999 --regid=999 --clear-groups cat {SECRETS}/db/password").rc != 0


def test_no_secret_is_anywhere_else_on_the_host(host, secrets):
    """In logs, journals, images, layers, command lines, temporary files."""
    host.check_output("journalctl --sync")
    patterns = "\n".join(secrets.values())
    command = "grep --recursive --files-with-matches --fixed-strings --devices=skip --file=- -s"
    trees = "/etc /home /opt /root /run /srv /tmp /usr/local /var /proc/[0-9]*/cmdline"
    # The input is where grep reads the secrets, so that its own command line has none.
    script = f"{command} {trees} <<'END'\n{patterns}\nEND\n"
    found = host.run("sh -s <<'SCRIPT'\n" + script + "SCRIPT\n").stdout.splitlines()
    known = [path for path in found if re.fullmatch("|".join(HOLDERS), path)]
    assert sorted(set(found) - set(known)) == []
    assert len(known) > len(FILES)
    for path in known:
        assert host.check_output(f"stat -c %a {path}") in ("400", "600", "640"), path
    logged = host.run("journalctl --no-pager --output=cat").stdout
    for service in ("db", "redis", "web", "celery", "celery-beat"):
        logged += host.check_output(f"docker logs shop-{service}-1 2>&1")
    assert not [name for name, value in secrets.items() if value in logged]


def test_the_database_user_owns_its_schema_and_nothing_else(host):
    sql = "MYSQL_PWD=$(cat /run/secrets/password) mysql -u $MYSQL_USER -N -h 127.0.0.1 --protocol=tcp -e 'show grants'"
    grants = host.check_output("docker exec shop-db-1 sh -c %s", sql).splitlines()
    assert [line.split(" TO ")[0] for line in grants] == ["GRANT USAGE ON *.*", "GRANT ALL PRIVILEGES ON `shop`.*"]


def test_all_secrets_change_and_no_request_fails(host, site, variables, ansible_playbook, secrets):
    site.get("/")
    before = dict(site.cookies)
    with Visitors(variables["ansible_host"], site.name) as visitors:
        done = ansible_playbook("landfall.django.rotate", "--diff", "-vvv")
    assert done.returncode == 0, done.stdout
    now = {name: host.check_output(f"cat {SECRETS}/{name}") for name in FILES}
    assert not set(now.values()) & set(secrets.values())
    assert (visitors.failed, visitors.requests > 100) == (0, True)
    assert not [
        name for name, value in {**secrets, **{f"new {n}": v for n, v in now.items()}}.items() if value in done.stdout
    ]

    assert refused_by_database(host, secrets["db/password"])
    assert not refused_by_database(host, now["db/password"])
    assert "WRONGPASS" in redis(host, secrets["redis/password"])
    assert "PONG" in redis(host, now["redis/password"])
    # What the former key has signed still counts: the form's token belongs to a cookie of before.
    assert secrets["secret_key"] in host.file("/srv/shop/.env").content_string
    assert site.cookies == before


def refused_by_database(host, password):
    said = host.run(
        "docker exec -i shop-db-1 sh -c 'read -r MYSQL_PWD; export MYSQL_PWD; exec mysql -u $MYSQL_USER -h 127.0.0.1"
        f" --protocol=tcp -e \"select 1\"' <<'END'\n{password}\nEND"
    )
    return "Access denied" in said.stderr


def redis(host, password):
    return host.run(
        "docker exec -i shop-redis-1 sh -c 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli ping' <<'END'\n"
        f"{password}\nEND"
    ).stdout


def test_the_release_before_a_rotation_can_still_be_gone_back_to(site, ansible_playbook):
    done = ansible_playbook("landfall.django.rollback")
    assert done.returncode == 0, done.stdout
    assert site.get("/health/").status == 200


def test_a_rotation_that_was_interrupted_keeps_both_passwords_until_it_ends(host, site, ansible_playbook, secrets):
    broken = json.dumps({"stack_health_path": "/nowhere/", "stack_health_timeout": 5})
    done = ansible_playbook("landfall.django.rotate", "--extra-vars", broken)
    assert done.returncode != 0
    assert site.get("/health/").status == 200
    between = host.check_output(f"cat {SECRETS}/db/password")
    assert between != secrets["db/password"]
    assert not refused_by_database(host, secrets["db/password"])
    assert not refused_by_database(host, between)
    assert host.run("docker restart shop-redis-1").rc == 0
    assert "PONG" in redis(host, secrets["redis/password"])

    done = ansible_playbook("landfall.django.rotate")
    assert done.returncode == 0, done.stdout
    assert host.check_output(f"cat {SECRETS}/db/password") == between
    assert refused_by_database(host, secrets["db/password"])
    assert not host.file(f"{SECRETS}/retiring.json").exists
    again = ansible_playbook("landfall.django.site")
    assert "changed=0" in again.stdout, again.stdout


def test_a_fallback_ends_when_it_is_told_to(host, ansible_playbook):
    given = {"rotate_secrets": [], "rotate_keep_fallback": False}
    done = ansible_playbook("landfall.django.rotate", "--extra-vars", json.dumps(given))
    assert done.returncode == 0, done.stdout
    assert "SECRET_KEY_FALLBACKS" not in host.file("/srv/shop/.env").content_string
