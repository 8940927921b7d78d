"""PostgreSQL outside the stack, reached with TLS: the dump is of that server, by a client of its version."""

from __future__ import annotations

import pytest
from meter_stack import COLUMNS, COPY

NAME = "outside"
PASSWORD = "p@ss/w:rd"
CA = COPY.parent / "database-ca.pem"
PORT = 5433
VARIABLES = {
    "stack_database": "external",
    "stack_database_engine": "postgresql",
    "stack_database_image": "postgres:18",
    "stack_database_extensions": [],
    "stack_database_host": "db.databases.test",
    "stack_database_port": PORT,
    "stack_database_name": "elsewhere",
    "stack_database_user": "app",
    "stack_database_password": PASSWORD,
    "stack_database_ca_file": str(CA),
}
# A certificate authority, and a certificate for the name of the server.
CERTIFICATES = """
set -e; mkdir -p /root/outside; cd /root/outside
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=outside
openssl req $new -keyout server.key -out server.csr -subj /CN=db.databases.test
echo subjectAltName=DNS:db.databases.test >san
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile san -out server.pem
chown 999 server.key; chmod 600 server.key
"""


@pytest.fixture(scope="module", autouse=True)
def server(host) -> None:
    """The external server, whose user may create tables and no more."""
    host.check_output(f"sh -c '{CERTIFICATES}'")
    CA.write_text(host.check_output("cat /root/outside/ca.pem") + "\n")
    run = "docker run --detach --name outside --volume /root/outside:/tls:ro --env POSTGRES_PASSWORD=unused"
    tls = "-c ssl=on -c ssl_cert_file=/tls/server.pem -c ssl_key_file=/tls/server.key"
    host.check_output(f"{run} --publish {PORT}:5432 postgres:18 postgres {tls}")
    wait = "until docker exec outside psql -U postgres -h 127.0.0.1 --command=SELECT; do sleep 0.5; done"
    host.check_output(f'timeout 60 sh -c "{wait}"')
    for statement in (f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE elsewhere OWNER app"):
        host.check_output("docker exec outside psql -U postgres -c %s", statement)


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
    ("variables", "word"),
    [
        ({"stack_database_image": "postgres:17"}, "stack_database_image"),
        ({"stack_database_host": "databases.test"}, "certificate"),
    ],
)
def test_a_server_that_cannot_be_dumped_is_refused_before_a_migration(deployed, variables, word):
    deployed.migrate("0003_size", "0002_colour", "size")
    said = deployed.refused(**variables)
    assert word in said
    assert "size" not in deployed.query(COLUMNS)
    (COPY / "meter/migrations/0003_size.py").unlink()


def test_a_restore_and_a_rotation_are_the_servers_own_business(deployed):
    assert "not the stack's own" in deployed.refused("restore", restore_release=2)
    said = deployed.refused("rotate", rotate_secrets=["stack_database_password"])
    assert "db.databases.test" in said
