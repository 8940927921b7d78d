"""PostgreSQL outside the stack, reached with TLS: the dump is of that server, by a client of its version."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from meter_stack import COLUMNS, COPY

from lab import authority
from lab.services import SERVICE

NAME = "outside"
PASSWORD = "p@ss/w:rd"
BOX, NETWORK, ADDRESS = "landfall-lab-outside", "landfall-lab", "172.30.77.60"
VARIABLES = {
    "stack_database": "external",
    "stack_database_engine": "postgresql",
    "stack_database_image": "postgres:18",
    "stack_database_extensions": [],
    "stack_database_host": ADDRESS,
    "stack_database_name": "elsewhere",
    "stack_database_user": "app",
    "stack_database_password": PASSWORD,
    "stack_database_ca_file": str(authority.CA_FILE),
}


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory, until) -> Iterator[None]:
    """The external server, in the lab's network, with a user who owns one database."""
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)
    authority.server_certificate("outside", ADDRESS, folder)
    os.chown(folder / "key.pem", 999, -1)
    subprocess.run(["docker", "rm", "--force", "--volumes", BOX], check=True, capture_output=True)
    place = ("--name", BOX, "--label", SERVICE, "--network", NETWORK, "--ip", ADDRESS)
    given = ("--volume", f"{folder}:/tls:ro", "--env", "POSTGRES_PASSWORD=unused")
    tls = ("-c", "ssl=on", "-c", "ssl_cert_file=/tls/cert.pem", "-c", "ssl_key_file=/tls/key.pem")
    docker("run", "--detach", *place, *given, "postgres:18", "postgres", *tls)
    ask = ["docker", "exec", BOX, "psql", "--username=postgres", "--host=127.0.0.1", "--command"]
    until(lambda: subprocess.run([*ask, "SELECT"], capture_output=True, check=False).returncode == 0, seconds=60)
    for sql in (f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE elsewhere OWNER app"):
        subprocess.run([*ask, sql], check=True, stdout=subprocess.DEVNULL)
    yield
    docker("rm", "--force", "--volumes", BOX)


def test_migrations_run_there_after_a_dump_from_there(deployed, host):
    deployed.note()
    assert "db" not in host.check_output("docker compose -p outside ps --services --all").split()
    assert deployed.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "[(True,)]"
    deployed.migrate("0002_colour", "0001_initial", "colour")
    with deployed.on() as visitors:
        deployed.play()
    print(f"{len(visitors.done())} requests, none failed")
    assert "colour" in deployed.query(COLUMNS)
    dump = deployed.records()[-1]["dump"]
    assert "COPY public.meter_note" in host.check_output("zcat %s", dump)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"stack_database_image": "postgres:17"}, "stack_database_image"),
        ({"stack_database_ca_file": ""}, "certificate"),
    ],
)
def test_a_server_that_cannot_be_dumped_is_refused_before_a_migration(deployed, given, word):
    deployed.migrate("0003_size", "0002_colour", "size")
    said = deployed.refused(**given)
    assert word in said
    assert "size" not in deployed.query(COLUMNS)
    (COPY / "meter/migrations/0003_size.py").unlink()


def test_a_restore_and_a_rotation_are_the_servers_own_business(deployed):
    assert "not the stack's own" in deployed.refused("restore", restore_release=2)
    said = deployed.refused("rotate", rotate_secrets=["stack_database_password"])
    assert ADDRESS in said
