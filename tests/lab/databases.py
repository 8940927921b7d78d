"""Databases in containers of the lab's images, and what differs between them."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab import docker
from lab.shell import wait_for, works

# Of what SQL and shells treat as special.
PASSWORD = "a'b\"c\\d $e `f` #g"


@dataclass(frozen=True)
class Engine:
    """What differs between the images."""

    image: str
    folder: str  # the place of the volume
    sockets: str
    port: int
    user: str
    programs: tuple[str, ...]
    client: tuple[str, ...]  # a query as the account of the variables
    secret: str  # where the client takes the password from
    in_script: str  # a query in a script of initdb.d
    variables: Mapping[str, str]
    password: str  # the variable that is needed
    stop_signal: str | None = None


POSTGRES_18 = Engine(
    image="postgres:18",
    folder="/var/lib/postgresql",
    sockets="/var/run/postgresql",
    port=5432,
    user="postgres",
    programs=("postgres", "psql", "pg_dump", "pg_dumpall", "pg_restore", "initdb", "vacuumdb"),
    client=("psql", "--username=boss", "--dbname=shop", "--no-align", "--tuples-only", "--command"),
    secret="PGPASSWORD",
    in_script='psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command',
    variables={"POSTGRES_PASSWORD_FILE": "/given/password", "POSTGRES_USER": "boss", "POSTGRES_DB": "shop"},
    password="POSTGRES_PASSWORD",
    stop_signal="SIGINT",
)
POSTGRES_17 = replace(POSTGRES_18, image="postgres:17", folder="/var/lib/postgresql/data")
MARIADB = Engine(
    image="mariadb:11.8",
    folder="/var/lib/mysql",
    sockets="/run/mysqld",
    port=3306,
    user="mysql",
    programs=("mariadbd", "mariadb", "mariadb-dump", "mariadb-admin", "mariadb-upgrade", "healthcheck.sh"),
    client=("mariadb", "--user=boss", "--database=shop", "--batch", "--skip-column-names", "--execute"),
    secret="MYSQL_PWD",
    in_script='mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" --database="$MARIADB_DATABASE" --execute',
    variables={
        "MARIADB_ROOT_PASSWORD_FILE": "/given/password",
        "MARIADB_PASSWORD_FILE": "/given/password",
        "MARIADB_USER": "boss",
        "MARIADB_DATABASE": "shop",
        "MARIADB_INITDB_SKIP_TZINFO": "1",
    },
    password="MARIADB_ROOT_PASSWORD",
)


@dataclass
class Box:
    """A container with one volume, and a folder of the test as /given."""

    engine: Engine
    given: Path
    name: str = field(default_factory=lambda: f"landfall-lab-try-{uuid.uuid4().hex[:8]}")

    def start(self, *options: str, image: str = "", mount: str = "", **variables: str) -> None:
        """Start it, in place of one that was started before; the volume stays."""
        docker.docker("rm", "--force", self.name)
        words = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        mounts = [
            f"{self.name}:{mount or self.engine.folder}",
            f"{self.given}:/given:ro,z",
            f"{self.given}/init:/docker-entrypoint-initdb.d:ro,z",
        ]
        docker.docker(
            *("run", "--detach", "--name", self.name, *(f"--volume={one}" for one in mounts), *words, *options),
            image or self.engine.image,
        )

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        words = [f"--env={key}={value}" for key, value in variables.items()]
        return subprocess.run(
            ["docker", "exec", *words, self.name, *command], capture_output=True, text=True, check=False, timeout=60
        )

    def sql(self, statement: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        """Over TCP as the account of the variables, and by the container's address: PostgreSQL trusts 127.0.0.1."""
        address = docker.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.name)
        program, *options = self.engine.client
        return self.run(program, f"--host={address}", *options, statement, **{self.engine.secret: password})

    def ask(self, statement: str) -> str:
        done = self.sql(statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def serves_tcp(self) -> bool:
        return self.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.engine.port}").returncode == 0

    def wait_until_ready(self) -> None:
        wait_for(self.engine.image, lambda: self.sql("SELECT 1").returncode == 0 or self.has_ended(), seconds=120)
        assert not self.has_ended(), self.logs()

    def wait_until(self, command: str) -> None:
        wait_for(command, lambda: self.run("sh", "-c", command).returncode == 0, seconds=120)

    def has_ended(self) -> bool:
        return docker.inspect("container", self.name, "{{.State.Running}}") == "false"

    def logs(self) -> str:
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def end(self) -> tuple[int, str]:
        """Wait until it ends by itself; its exit code and what it said."""
        return int(docker.docker("wait", self.name, timeout=60)), self.logs()

    def remove(self) -> None:
        docker.docker("rm", "--force", "--volumes", self.name)
        works(["docker", "volume", "rm", self.name])
