"""A release's client against a MySQL or MariaDB server that is elsewhere, as its ordinary user, with TLS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.archive import verify
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError

from lab import authority, docker
from lab.shell import wait_for

SCHEMA, USER, PASSWORD, ADDRESS = "elsewhere", "app", "p@ss/w:rd", "127.0.0.1"
CA = "/run/landfall/database-ca.pem"


@dataclass
class Elsewhere:
    """A server in a container of its own, and clients as a stack has them."""

    name: str
    engine: str
    image: str
    folder: Path

    def start(self) -> None:
        prefix = self.engine.upper()
        given = {"RANDOM_ROOT_PASSWORD": "1", "USER": USER, "PASSWORD": PASSWORD, "DATABASE": SCHEMA}
        words = [word for key, value in given.items() for word in ("--env", f"{prefix}_{key}={value}")]
        tls = ("--ssl-ca=/ca.pem", "--ssl-cert=/tls/cert.pem", "--ssl-key=/tls/key.pem")
        mounts = (f"--volume={self.folder}:/tls:ro,z", f"--volume={authority.CA_FILE}:/ca.pem:ro")
        place = ("--detach", "--name", self.name, *mounts)
        docker.docker("run", *place, *words, self.image, *tls, "--require-secure-transport=ON")

    def client(self, tls: str = "verify-full", ca: str = CA, host: str = ADDRESS) -> Server:
        server = Server((), by_name(self.engine, external=True))
        given = {"NAME": SCHEMA, "USER": USER, "HOST": host, "PORT": "3306", "TLS": tls, "CA": ca}
        words = [word for key, value in given.items() for word in ("--env", f"DATABASE_{key}={value}")]
        mounts = (
            f"--volume={self.folder}/password:/run/secrets/password:ro,z",
            f"--volume={authority.CA_FILE}:{CA}:ro",
        )
        confined = ("--read-only", "--tmpfs=/tmp", "--user=10002:10002", "--cap-drop=ALL", "--entrypoint=")
        network = f"--network=container:{self.name}"
        server._inside = ("docker", "run", "--rm", "-i", network, *confined, *mounts, *words, self.image)
        return server


def answers(server: Server) -> bool:
    try:
        server.query("SELECT 1", SCHEMA)
    except DockerError:
        return False
    return True


@pytest.fixture(scope="module", params=["mysql:9.7", "mariadb:11.8"])
def elsewhere(
    request: pytest.FixtureRequest, provided: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    (folder / "password").write_text(PASSWORD)
    authority.server_certificate("outside", ADDRESS, folder)
    (folder / "key.pem").chmod(0o644)
    name = f"landfall-lab-try-{uuid.uuid4().hex[:8]}"
    made = Elsewhere(name, request.param.partition(":")[0], provided(request.param), folder)
    made.start()
    try:
        wait_for(made.image, lambda: answers(made.client()), seconds=120)
        yield made
    finally:
        docker.docker("rm", "--force", "--volumes", name)


def test_what_the_user_owns_is_dumped_as_before_each_migration(elsewhere, tmp_path):
    server = elsewhere.client()
    assert server.schema() == SCHEMA
    assert server.engine.series(server.client_version()) == server.engine.series(server.contents(SCHEMA).version)
    server.query(
        "CREATE TABLE note (id int PRIMARY KEY, text varchar(20)); CREATE VIEW seen AS SELECT * FROM note;", SCHEMA
    )
    server.query("INSERT INTO note VALUES (1, 'a'), (2, 'it''s');", SCHEMA)
    server.query(server.engine.try_rights(), SCHEMA)
    made = dump(server, tmp_path, SCHEMA)
    assert verify(made.archive).tables == {"note": 2}
    assert made.definitions["views"] == ["seen"]


def test_two_releases_do_not_migrate_at_the_same_time(elsewhere):
    server = elsewhere.client()
    with server.migration_lock(SCHEMA), pytest.raises(DockerError, match="another release"):
        server.migration_lock(SCHEMA).__enter__()
    with server.migration_lock(SCHEMA):
        pass


@pytest.mark.parametrize(
    ("given", "works"),
    [
        ({"ca": ""}, False),  # not of an authority that the image knows
        ({"host": "localhost"}, False),  # not the name in the certificate
        ({"tls": "require"}, True),
        ({"tls": "disable"}, False),  # the server insists
    ],
)
def test_the_certificate_of_the_server_is_verified(elsewhere, given, works):
    assert answers(elsewhere.client(**given)) == works
