"""Who can read a secret, and that each can be changed while the site serves."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass

import pytest

from lab.bench.visitors import Visitors

SECRETS = "/srv/shop/secrets"
FILES = ("secret_key", "db/password", "db/root_password", "redis/password")
# Where a secret is in clear, for root only. Docker and containerd keep the environment that they gave to a container.
HOLDERS = (
    rf"{SECRETS}/\S+",
    r"/srv/shop/(next/|releases/\d+/)?(\.env|compose\.override\.yaml)",
    r"/var/lib/docker/containers/\w+/config\.v2\.json",
    r"/run/containerd/\S+/config\.json",
    r"/var/lib/containerd/\S+/meta\.db",
)


# What a generator of passwords, or somebody who means harm, may come up with. What begins it is looked for, and has
# nothing that a log would escape.
MARK = "planted-5d2c"
PLANTED = f"{MARK}$HOME ${{x}} {{{{ 7*7 }}}} #'\"`id`\\\nsecond line  ä"
# Where a module's arguments lie while it runs without pipelining, and after a play that was killed.
TEMPORARY = "/root/.ansible /home/*/.ansible"


# Of the image that all of these runs use.
ANOTHER_BUILD = {"stack_build_args": {"BUILD": "with other values"}}


@pytest.fixture(scope="module")
def site(visit):
    return visit("shop")


def read_secrets(host):
    return {name: host.check_output(f"cat {SECRETS}/{name}") for name in FILES}


@pytest.fixture
def secrets(host):
    return read_secrets(host)


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    """A user's encrypted variables, and the arguments that open them."""
    folder = tmp_path_factory.mktemp("vault")
    variables, password = folder / "vault.yml", folder / "password"
    variables.write_text(f"vault_planted: !unsafe {json.dumps(PLANTED)}\n")
    password.write_text("open sesame")
    opened = f"--vault-password-file={password}"
    subprocess.run(["ansible-vault", "encrypt", opened, str(variables)], check=True, capture_output=True)
    assert variables.read_text().startswith("$ANSIBLE_VAULT;")
    label = {"label": "{{ vault_planted | replace('$', '$$') }}"}
    planted = {
        "stack_secrets": {"PLANTED": "{{ vault_planted }}"},
        "stack_secret_files": {"planted.txt": "{{ vault_planted }}"},
        "stack_compose_override": {"services": {"celery": {"labels": label}}},
        "docker_registry_logins": [{"registry": "elsewhere.test", "username": "x", "password": "{{ vault_planted }}"}],
        # Makes another image, so that it is built.
        **ANOTHER_BUILD,
    }
    return [opened, f"--extra-vars=@{variables}", f"--extra-vars={json.dumps(planted)}"]


@pytest.fixture(scope="module")
def killed(host, playbook_command, vault):
    """Releases without pipelining are killed in the middle, and one ends. What lay in the temporary folders?"""
    found = "/run/found-planted"
    # Whatever is there at some moment is what a kill at that moment would leave.
    # The brackets keep the mark itself out of this command, which the journal has.
    watch = f"while sleep 0.05; do grep -rls '{MARK[:-1]}[{MARK[-1]}]' {TEMPORARY} >>{found}; done"
    host.check_output("systemd-run --quiet --unit=watch sh -c %s", watch)
    said = []
    try:
        for task in ("Read or generate the secrets", "Write the environment", None):
            # Only the last one comes to the host's own secrets, such as a registry's password.
            playbook = "landfall.django.deploy" if task else "landfall.django.site"
            process = subprocess.Popen(
                playbook_command(playbook, "-vvv", *vault),
                env=os.environ | {"ANSIBLE_PIPELINING": "false", "ANSIBLE_FORCE_COLOR": "0"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            for line in process.stdout:
                said.append(line)
                if task and task in line:
                    os.killpg(process.pid, signal.SIGKILL)
            assert process.wait() == (-signal.SIGKILL if task else 0), "".join(said)
    finally:
        host.check_output("systemctl stop watch")
    assert "Build the image" in "".join(said)
    return host.run(f"cat {found}").stdout


def test_a_killed_play_leaves_no_secret_in_temporary_folders(host, killed):
    assert killed == ""
    # Neither in a form that the search would not see.
    assert host.run(f"find {TEMPORARY} -name 'AnsiballZ_*'").stdout == ""


@dataclass
class Rotated:
    """What a rotation of everything did: the secrets before it, what it said, and what visitors saw of it."""

    before: dict[str, str]
    said: str
    visitors: Visitors
    cookies: dict[str, str]


@pytest.fixture(scope="module")
def rotated(host, site, variables, ansible_playbook, vault, killed):
    site.get("/")
    before, cookies = read_secrets(host), dict(site.cookies)
    with Visitors(variables["ansible_host"], site.name) as visitors:
        done = ansible_playbook("landfall.django.rotate", "--diff", "-vvv", *vault)
    assert done.returncode == 0, done.stdout
    return Rotated(before, done.stdout, visitors, cookies)


def test_all_secrets_change_and_no_request_fails(host, rotated):
    assert not set(read_secrets(host).values()) & set(rotated.before.values())
    assert (rotated.visitors.failed, rotated.visitors.requests > 100) == (0, True)


def test_only_the_new_passwords_are_taken(host, rotated, secrets):
    assert refused_by_database(host, rotated.before["db/password"])
    assert not refused_by_database(host, secrets["db/password"])
    assert "WRONGPASS" in redis(host, rotated.before["redis/password"])
    assert "PONG" in redis(host, secrets["redis/password"])


def test_what_the_former_key_has_signed_still_counts(host, rotated):
    web = host.check_output("docker compose -p shop ps -q web")
    code = (
        "from django.conf import settings; from django.core import signing;"
        " (former,) = settings.SECRET_KEY_FALLBACKS; print(former, signing.loads(signing.dumps('mine', key=former)))"
    )
    said = host.check_output("docker exec %s python3 manage.py shell -v 0 -c %s", web, code)
    assert said.split() == [rotated.before["secret_key"], "mine"]


def test_a_secret_from_the_vault_arrives_byte_for_byte(host, rotated):
    web = host.check_output("docker compose -p shop ps -q web")
    seen = host.check_output("docker exec %s python3 -c %s", web, "import os; print(ascii(os.environ['PLANTED']))")
    assert ast.literal_eval(seen) == PLANTED


@pytest.mark.parametrize("service", ["web", "celery", "celery-beat"])
def test_a_secret_file_arrives_byte_for_byte_and_cannot_be_changed(host, rotated, service):
    container = host.check_output("docker compose -p shop ps -q %s", service)
    code = "print(ascii(open('/run/secrets/planted.txt', newline='').read()))"
    assert ast.literal_eval(host.check_output("docker exec %s python3 -c %s", container, code)) == PLANTED
    assert host.run("docker exec %s python3 -c %s", container, code.replace("newline=''", "'a'")).rc != 0
    assert MARK not in host.check_output("docker inspect --format '{{json .Mounts}}' %s", container)


def test_nobody_else_reads_a_secret_file(host, rotated):
    """Not even a user of the host with the number of the project's."""
    (path, *_others) = host.check_output(f"ls {SECRETS}/files/*/planted.txt").splitlines()
    owner = host.file(path).uid
    assert host.run(f"setpriv --reuid={owner} --regid={owner} --clear-groups cat {path}").rc != 0


def test_a_run_says_no_secret(rotated, secrets):
    """With --diff and -vvv."""
    known = {**secrets, **{f"former {name}": value for name, value in rotated.before.items()}}
    assert not [name for name, value in known.items() if value in rotated.said]
    assert MARK not in rotated.said
    assert "second line" not in rotated.said


def test_no_secret_is_in_the_journal(host, rotated, secrets):
    """Neither in a message nor in a field, where Ansible writes the arguments of each module."""
    host.check_output("journalctl --sync")
    patterns = [*secrets.values(), *rotated.before.values(), MARK, "second line"]
    # grep reads the patterns as it does below, so the journal comes from a file.
    host.check_output("journalctl --output=export >/run/journal")
    said = stdin(host, "grep --text --fixed-strings --file=- /run/journal", "\n".join(patterns))
    assert said.stdout == ""
    assert int(host.check_output("grep --text --count '^PROJECT_SRC=' /run/journal")) > 0
    host.check_output("rm /run/journal")


def test_no_secret_is_anywhere_else_on_the_host(host, rotated, secrets):
    """In logs, images, layers, command lines, temporary files."""
    patterns = "\n".join([*secrets.values(), *rotated.before.values(), MARK])
    trees = "/etc /home /opt /root /run /srv /tmp /usr/local /var /proc/[0-9]*/cmdline"
    # The input is where grep reads the secrets, so that its own command line has none.
    grep = "grep --recursive --files-with-matches --fixed-strings --devices=skip --no-messages --file=-"
    found = stdin(host, f"{grep} {trees}", patterns).stdout.splitlines()
    known = [path for path in found if re.fullmatch("|".join(HOLDERS), path)]
    assert sorted(set(found) - set(known)) == []
    assert len(known) > len(FILES)
    as_somebody = "setpriv --reuid=65534 --regid=65534 --clear-groups test -r %s"
    assert [path for path in known if host.run(as_somebody, path).rc == 0] == []
    logs = "".join(host.run(f"docker logs {name} 2>&1").stdout for name in ("shop-db-1", "shop-redis-1"))
    logs += host.run("docker compose -p shop logs 2>&1; journalctl --no-pager --output=cat").stdout
    assert not [name for name, value in {**secrets, **rotated.before}.items() if value in logs]


def test_a_service_sees_no_secret_that_it_does_not_use(host, secrets):
    for service in ("web", "celery", "celery-beat"):
        assert secrets["db/root_password"] not in environment(host, service)
        assert secrets["db/password"] in environment(host, service)
    for service in ("db", "redis"):
        assert not [name for name, value in secrets.items() if value in environment(host, service)]
    assert host.run("docker exec shop-redis-1 ls /run/secrets").stdout.split() == [
        "admin_password",
        "password",
        "users.acl",
    ]


def environment(host, service):
    container = host.check_output(f"docker compose -p shop ps -q {service}")
    return "\n".join(json.loads(host.check_output("docker inspect --format '{{json .Config.Env}}' %s", container)))


def test_nobody_but_root_gets_to_the_files(host):
    assert host.check_output(f"stat -c '%a %U' {SECRETS}") == "700 root"
    for name in FILES:
        assert host.check_output(f"stat -c %a {SECRETS}/{name}") == "400"
    # Somebody on the host has the number of the containers' user.
    assert host.run(f"setpriv --reuid=10002 --regid=10002 --clear-groups cat {SECRETS}/db/password").rc != 0


def test_the_database_user_owns_its_schema_and_nothing_else(host):
    sql = "MYSQL_PWD=$(cat /run/secrets/password) mysql -u $MYSQL_USER -N -h 127.0.0.1 --protocol=tcp -e 'show grants'"
    grants = host.check_output("docker exec shop-db-1 sh -c %s", sql).splitlines()
    assert [line.split(" TO ")[0] for line in grants] == ["GRANT USAGE ON *.*", "GRANT ALL PRIVILEGES ON `shop`.*"]


def refused_by_database(host, password):
    mysql = 'exec mysql -u $MYSQL_USER -h 127.0.0.1 --protocol=tcp -e "select 1"'
    said = stdin(host, f"docker exec -i shop-db-1 sh -c 'read -r MYSQL_PWD; export MYSQL_PWD; {mysql}'", password)
    return "Access denied" in said.stderr


def redis(host, password):
    ping = "read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli ping"
    return stdin(host, f"docker exec -i shop-redis-1 sh -c '{ping}' 2>&1", password).stdout


def stdin(host, command, text):
    """Run a command that reads a text, which is then on no command line: ssh and Ansible hand it over as a script."""
    packed = base64.b64encode(text.encode()).decode()
    return host.run(f"echo {packed} | base64 -d | {command}")


def test_the_release_before_a_rotation_can_still_be_gone_back_to(rotated, site, ansible_playbook):
    done = ansible_playbook("landfall.django.rollback")
    assert done.returncode == 0, done.stdout
    assert site.get("/health/").status == 200


def test_a_rotation_that_fails_keeps_both_passwords_until_it_ends(host, rotated, site, ansible_playbook, secrets):
    broken = json.dumps({"stack_health_path": "/nowhere/", "stack_health_timeout": 5})
    done = ansible_playbook("landfall.django.rotate", "--extra-vars", broken)
    assert done.returncode != 0
    assert site.get("/health/").status == 200
    between = read_secrets(host)["db/password"]
    assert between != secrets["db/password"]
    assert not refused_by_database(host, secrets["db/password"])
    assert not refused_by_database(host, between)
    # A server that restarts meanwhile accepts both, too.
    host.check_output("docker restart shop-redis-1")
    assert "PONG" in redis(host, secrets["redis/password"])

    done = ansible_playbook("landfall.django.rotate")
    assert done.returncode == 0, done.stdout
    assert read_secrets(host)["db/password"] == between
    assert refused_by_database(host, secrets["db/password"])
    assert not host.file(f"{SECRETS}/retiring.json").exists
    again = ansible_playbook("landfall.django.site", "--extra-vars", json.dumps(ANOTHER_BUILD))
    assert "changed=0" in again.stdout, again.stdout


def test_a_fallback_ends_when_it_is_told_to(host, rotated, ansible_playbook):
    given = {"rotate_secrets": [], "rotate_keep_fallback": False}
    assert "SECRET_KEY_FALLBACKS" in host.file("/srv/shop/.env").content_string
    done = ansible_playbook("landfall.django.rotate", "--extra-vars", json.dumps(given))
    assert done.returncode == 0, done.stdout
    assert "SECRET_KEY_FALLBACKS" not in host.file("/srv/shop/.env").content_string
