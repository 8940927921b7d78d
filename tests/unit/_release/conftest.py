# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import upgrade as database_upgrade
from ansible_collections.landfall.django.plugins.module_utils._docker import cli, wait
from ansible_collections.landfall.django.plugins.module_utils._front import upstream, visitor
from ansible_collections.landfall.django.plugins.module_utils._release import (
    database,
    gate,
    health,
    ledger,
    switch,
    upgrade,
)
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

from tests.unit._release.composes import config_of
from tests.unit._release.world import World

SERVICES = ["db", "redis", "web", "celery", "celery-beat"]
# What deploys a stack with a process that has a route.
FLOWER = {"name": "flower", "process": "flower", "port": 5555, "path": "/flower/", "guarded": True}
ROUTED = {
    "services": [*SERVICES, "flower"],
    "options": {"processes": ("flower", "celery", "celery-beat"), "routes": (FLOWER,)},
}


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Prober:
    """Asks once."""

    def __init__(self, ask):
        self.ask = ask
        self.failures = 0

    def start(self):
        pass

    def stop(self):
        pass

    def persistent_failure(self):
        return ""

    def report(self):
        return {"requests": 1, "failures": 0, "first_failures": [], "p50_ms": 1.0, "p99_ms": 1.0}


class Server:
    """The database server of the stack."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, str | None]] = {}  # by a part of the question; None is a refusal
    world: World
    others: tuple[str, ...] = ()
    data_bytes = 1000
    tables: ClassVar[dict[str, int]] = {}  # of an import, with their rows
    import_fault: BaseException | None = None

    def __init__(self, compose, engine):
        self.compose = compose
        self.engine = engine

    def query(self, sql, schema=""):
        self.asked.append(sql)
        answer = next((answer for part, answer in self.answers.items() if part in sql), "")
        if answer is None:
            raise cli.DockerError("it is not available")
        return answer

    def schema(self):
        return "shop"

    def identity(self, _schema):
        return self.world.server_id

    def id(self):
        return self.world.server_id

    def other_schemas(self, _schema):
        return self.others

    def contents(self, _schema):
        return SimpleNamespace(
            data_bytes=self.data_bytes,
            version="18.1 (Debian 18.1-1)",
            tables=tuple(self.tables),
            charset="utf8mb4",
            collation="utf8mb4_0900_ai_ci",
        )

    def user(self):
        return "shop"

    def free_bytes(self):
        return 1 << 40

    def largest_rows(self):
        return contextlib.nullcontext()

    def kill_interrupted_load(self):
        self.asked.append("kill")

    def load_foreign(self, _schema, lines):
        """Half of it is there when it fails."""
        text = b"".join(lines).decode()
        self.tables["note"] = text.count("INSERT")
        if self.import_fault:
            raise self.import_fault
        self.world.applied = ["shop.0001"]

    def count_rows(self, _schema, tables):
        return {table: self.tables[table] for table in tables}

    def empty(self, schema, charset, collation):
        self.asked.append(f"empty {schema} {charset} {collation}")
        self.tables.clear()
        self.world.applied = []

    def client_version(self):
        return "pg_dump (PostgreSQL) 18.6 (Debian 18.6-1)"

    @contextlib.contextmanager
    def migration_lock(self, schema):
        self.query(f"lock {schema}")
        yield


class Replacement:
    """Loads into the database of the stack."""

    def __init__(self, _root, server):
        self.server = server

    def check_unused(self, _schema):
        self._run("in-use", "")

    def fill(self, _schema, dump):
        self._run("load", dump.archive.read_text())

    def _run(self, word, given):
        if cli.execute([*self.server.compose, "exec", "-T", "db", word], given, 60, False).returncode:
            raise cli.DockerError(f"{word} failed")


def dump(server, folder, schema):
    """A dump that has what the database has applied."""
    said = cli.execute([*server.compose, "exec", "-T", "db", "mysqldump"], "", 60, False)
    if said.returncode:
        raise cli.DockerError("mysqldump failed")
    archive = folder / "dump.sql.gz"
    assert not archive.exists()
    archive.write_text(said.stdout)
    return SimpleNamespace(archive=archive, warnings=[])


def verify(archive, empty):
    return SimpleNamespace(archive=archive, warnings=[])


class Stack:
    """A stack on a host that exists only in memory, but for its files."""

    def __init__(self, world: World):
        self.world = world
        self.root, self.front = world.root, world.front
        self.ledger = ledger.Ledger(str(self.root))

    def site(self, image: str, **options) -> Site:
        return Site(
            **{
                "project_src": str(self.root),
                "project_name": "shop",
                "image": image,
                "image_id": f"id of {image}",
                "processes": ("celery", "celery-beat"),
                "workers": ("celery",),
                "front_root": str(self.front),
                "front_network": "shop_front",
                "host": "shop.example.com",
                "static_release": image.replace(":", "-"),
                "static_dest": str(self.front / "sites/shop/static"),
                "health_timeout": 5,
                **options,
            }
        )

    def render(self, image: str, *, env: str = 'A="1"\n', db: str = "mysql:9.7", services=SERVICES, **code) -> Site:
        """Lay a release aside as the role does, with its image on the host."""
        self.world.images.setdefault(image, {"knows": ["shop.0001"], **code})
        files = self.root / "next"
        files.mkdir(exist_ok=True)
        others = "".join(f"  {name}: {{}}\n" for name in services if name != "db")
        (files / "compose.yaml").write_text(f"image: {image}\nservices:\n  db:\n    image: {db}\n{others}")
        (files / "compose.override.yaml").write_text("{}")
        (files / ".env").write_text(env)
        (self.root / "static" / image.replace(":", "-")).mkdir(parents=True, exist_ok=True)
        return self.site(image)

    def deploy(self, image: str, *, options=(), despite=False, imports="", profile=None, **what):
        self.render(image, **what)
        release = Release(self.site(image, **dict(options)), self.root / "next", str(imports))
        return release.run("ann", despite_migrations=despite, profile=profile)

    def roll_back(self, number: int):
        record = ledger.by_number(self.ledger.read(), number)
        release = Release(self.ledger.site(record), self.ledger.folder(number))
        return release.run("ann", rollback_to=number, allow=lambda: release.refuse_unknown_migrations(record))

    # What can be seen

    @property
    def running(self) -> dict[str, str]:
        return {box.name: box.image for box in self.world.own() if box.running}

    @property
    def present(self) -> set[str]:
        return {box.name for box in self.world.own()}

    @property
    def in_force(self) -> str:
        return config_of(self.root).get("image", "")

    @property
    def served_by(self) -> set[str]:
        """The images that a visitor meets; None among them where Nginx names a container that does not run."""
        names = upstream.loaded("shop", self.world.loaded.get("shop", "")) or []
        return {self.running.get(name, "nobody") for name in names}

    @property
    def named(self) -> set[str]:
        """Every container that Nginx has loaded, or would load from its files."""
        file = (self.front / "upstreams/shop.conf").read_text()
        said = [line.split('"')[1] for line in file.splitlines() if "return 200" in line]
        both = [*said, self.world.loaded.get("shop", "")]
        return {name for one in both for name in upstream.loaded("shop", one) or ()}

    def serving(self) -> int:
        record = ledger.serving(self.ledger.read())
        return record.release if record else 0

    def states(self) -> list[str]:
        return [record.state for record in self.ledger.read()]


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a stack by its number; what the collection does next, it does on that one's host."""

    def make(number: int) -> Stack:
        root, front = tmp_path / f"{number}/shop", tmp_path / f"{number}/nginx"
        root.mkdir(parents=True)
        (front / "upstreams").mkdir(parents=True)
        (front / "upstreams/shop.conf").write_text("# no release yet\n")
        stack = Stack(World(root, front))

        def probe(address, port, path, host, timeout=5):
            box = next(box for box in stack.world.boxes.values() if box.address == address)
            return "" if not stack.world.images[box.image].get("ill") else "it answers 500"

        def listening_problem(address, port, timeout=5):
            box = next(box for box in stack.world.boxes.values() if box.address == address)
            return "nothing listens" if not box.running or stack.world.images[box.image].get("deaf") else ""

        def request(port, host, path, timeout=10):
            met = stack.served_by
            if not met or "nobody" in met:
                return 502
            return 500 if any(stack.world.images[image].get("ill_behind_nginx") for image in met) else 200

        clock = Clock()
        time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
        monkeypatch.setattr(cli, "execute", lambda *given: stack.world.execute(*given))
        monkeypatch.setattr(wait, "time", time)
        monkeypatch.setattr(switch, "time", time)
        monkeypatch.setattr(switch, "Prober", Prober)
        monkeypatch.setattr(database, "Server", Server)
        monkeypatch.setattr(Server, "asked", [])
        monkeypatch.setattr(Server, "answers", {})
        monkeypatch.setattr(Server, "tables", {})
        monkeypatch.setattr(gate, "dump", dump)
        monkeypatch.setattr(Server, "world", stack.world, raising=False)
        monkeypatch.setattr(upgrade, "Server", Server)
        monkeypatch.setattr(database_upgrade, "dump_schema", dump)
        monkeypatch.setattr(database_upgrade, "verify", verify)
        monkeypatch.setattr(database_upgrade, "Replacement", Replacement)
        monkeypatch.setattr("os.fsync", lambda _file: None)
        monkeypatch.setattr(health, "probe", probe)
        monkeypatch.setattr(health, "listening_problem", listening_problem)
        monkeypatch.setattr(visitor, "request", request)
        return stack

    return make


@pytest.fixture
def stack(stacks) -> Stack:
    return stacks(0)
