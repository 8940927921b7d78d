"""The contract of the official images, which their stand-ins must keep too."""

from __future__ import annotations

import gzip
import json

import pytest

from lab import docker
from tests.lab.databases import MARIADB, POSTGRES_18

HARDENED = ("--read-only", "--user=10002:10002", "--cap-drop=ALL", "--security-opt=no-new-privileges")
WAITS = "touch /tmp/reached; until [ -e /tmp/go ]; do sleep 0.1; done\n"
only_postgres_18 = pytest.mark.parametrize("engine", [POSTGRES_18], ids=["postgres:18"], indirect=True)
only_mariadb = pytest.mark.parametrize("engine", [MARIADB], ids=["mariadb:11.8"], indirect=True)


def fill(box, waits: bool = False) -> None:
    """Scripts of each kind, the first of which may wait for /tmp/go."""
    init = box.given / "init"
    (init / "1.sh").write_text((WAITS if waits else "") + f"{box.engine.in_script} 'CREATE TABLE made (by_file int)'\n")
    (init / "2.sql").write_text("INSERT INTO made VALUES (2);\n")
    (init / "3.sql.gz").write_bytes(gzip.compress(b"INSERT INTO made VALUES (3);\n"))


def test_what_the_image_says_of_itself(engine):
    config = json.loads(docker.docker("image", "inspect", "--format", "{{json .Config}}", engine.image))
    assert list(config["Volumes"]) == [engine.folder]
    assert f"{engine.port}/tcp" in config["ExposedPorts"]
    assert config.get("StopSignal") == engine.stop_signal
    places = docker.docker("run", "--rm", "--entrypoint=which", engine.image, *engine.programs).split()
    assert len(places) == len(engine.programs)
    assert docker.docker("run", "--rm", "--entrypoint=id", engine.image, "--user", engine.user) == "999"
    version = docker.docker("run", "--rm", engine.image, engine.programs[0], "--version")
    assert f" {engine.image.partition(':')[2]}." in version


def test_first_run_and_what_stays_of_it(box):
    fill(box, waits=True)
    box.start(**box.engine.variables)
    box.wait_until("test -e /tmp/reached")
    assert not box.serves_tcp()
    box.run("touch", "/tmp/go")
    box.wait_until_ready()
    assert box.ask("SELECT by_file FROM made ORDER BY 1").split() == ["2", "3"]
    assert box.sql("SELECT 1", password="wrong").returncode != 0
    (box.given / "password").write_text("another")
    docker.docker("restart", box.name)
    box.wait_until_ready()
    box.start(**box.engine.variables)
    box.wait_until_ready()
    assert box.ask("SELECT count(*) FROM made") == "2"


def test_it_needs_no_rights_and_no_place_to_write_but_its_own(box):
    fill(box)
    # As long as the volume is empty, each mount without nocopy gives it the owner that its place has in the image.
    volume = f"{box.name}:{box.engine.folder}:nocopy"
    docker.docker(
        "run", "--rm", f"--volume={volume}", "--entrypoint=chown", box.engine.image, "10002", box.engine.folder
    )
    places = (f"--tmpfs={box.engine.sockets}:mode=1777", "--tmpfs=/tmp:mode=1777")
    box.start(*HARDENED, *places, mount=f"{box.engine.folder}:nocopy", **box.engine.variables)
    box.wait_until_ready()
    docker.docker("restart", box.name)
    box.wait_until_ready()
    assert box.ask("SELECT count(*) FROM made") == "2"


def test_a_first_run_that_was_killed_is_not_repeated(box):
    """As with the official images: whoever starts it has to look."""
    fill(box, waits=True)
    box.start(**box.engine.variables)
    box.wait_until("test -e /tmp/reached")
    docker.docker("kill", box.name)
    docker.docker("start", box.name)
    box.wait_until_ready()
    assert box.sql("SELECT * FROM made").returncode != 0


def test_without_a_password_it_does_not_begin(box):
    box.start()
    code, said = box.end()
    assert code == 1
    assert box.engine.password in said


def test_a_password_is_given_once(box):
    box.start(**{box.engine.password: "a", f"{box.engine.password}_FILE": "/given/password"})
    code, said = box.end()
    assert code == 1
    assert f"{box.engine.password}_FILE" in said


@only_postgres_18
def test_data_at_the_old_place_is_refused(box):
    box.start("--volume=/var/lib/postgresql/data", POSTGRES_PASSWORD="a")
    code, said = box.end()
    assert code == 1
    assert "/var/lib/postgresql/data" in said


@only_postgres_18
def test_data_of_an_older_version_is_refused(box):
    plant = "mkdir -p /var/lib/postgresql/17/docker && echo 17 >/var/lib/postgresql/17/docker/PG_VERSION"
    volume = f"--volume={box.name}:{box.engine.folder}"
    docker.docker("run", "--rm", volume, "--entrypoint=sh", box.engine.image, "-c", plant)
    box.start(**box.engine.variables)
    code, said = box.end()
    assert code == 1
    assert "/var/lib/postgresql/17/docker" in said


@only_postgres_18
def test_options_of_initdb_and_extensions(box):
    options = {"POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8"}
    box.start(**options, **box.engine.variables)
    box.wait_until_ready()
    assert box.ask("SELECT datlocprovider FROM pg_database WHERE datname = 'shop'") == "b"
    for extension in ("pg_trgm", "btree_gin", "citext", "hstore", "unaccent", '"uuid-ossp"'):
        box.ask(f"CREATE EXTENSION {extension}")


@only_postgres_18
def test_the_image_with_vectors(box, provided):
    box.start(image=provided("pgvector/pgvector:pg18"), **box.engine.variables)
    box.wait_until_ready()
    box.ask("CREATE EXTENSION vector")
    assert box.ask("SELECT '[1,2]'::vector <-> '[4,6]'::vector") == "5"


@only_mariadb
def test_the_health_of_mariadb_waits_for_the_network(box):
    fill(box, waits=True)
    box.start(**box.engine.variables)
    box.wait_until("test -e /tmp/reached")
    check = ("healthcheck.sh", "--connect", "--innodb_initialized")
    assert box.run(*check).returncode != 0
    box.run("touch", "/tmp/go")
    box.wait_until_ready()
    assert box.run(*check).returncode == 0


@only_mariadb
def test_mariadb_takes_the_names_of_mysql(box):
    box.start(MYSQL_RANDOM_ROOT_PASSWORD="1", MYSQL_USER="boss", MYSQL_PASSWORD="a'b", MYSQL_DATABASE="shop")
    box.wait_until('test "$(mariadb --host=127.0.0.1 --user=boss --password="a\'b" shop -Ne "SELECT 1")" = 1')
    assert "GENERATED ROOT PASSWORD" in box.logs()


@only_mariadb
def test_mariadb_upgrades_the_data_of_an_older_version(box, provided):
    fill(box)
    box.start(image=provided("mariadb:10.11"), **box.engine.variables)
    box.wait_until_ready()
    docker.docker("stop", box.name)
    box.start(MARIADB_AUTO_UPGRADE="1", **box.engine.variables)
    box.wait_until_ready()
    assert box.ask("SELECT count(*) FROM made") == "2"
    assert box.run("cat", "/var/lib/mysql/mariadb_upgrade_info").stdout.startswith("11.8.")
    assert box.run("sh", "-c", "ls /var/lib/mysql/system_mysql_backup_*").returncode == 0
