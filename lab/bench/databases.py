"""What a dump and a restore cost with each database engine, and its memory: the product's code on plain containers."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.landfall.django.plugins.module_utils._database.archive import verify
from ansible_collections.landfall.django.plugins.module_utils._database.dump import dump
from ansible_collections.landfall.django.plugins.module_utils._database.engine import Engine
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._database.replacement import Replacement
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import Shape, sizes, with_swap

from lab import docker, images
from lab.shell import ROOT, say, wait_for, works

FOLDER = ROOT / ".cache" / "bench" / "databases"
OWNER = "10002:10002"  # as the template has it
HOST = {"memory_mib": 3915, "cores": 2, "stacks": 1}
MEMORY = 640  # MiB, the same for all
ROWS, ROW = 1_000_000, 1000  # a table of about 1 GB
STEPS = (DUMP, VERIFY, LOAD) = ("dump", "verify the dump", "load it")
MOMENTS = (STARTED, LOADED) = ("after the start", "after the load")
_AT_ONCE = 500  # rows of an INSERT


@dataclass
class Figures:
    """Of one engine: seconds by what was done, and MiB by when they were read."""

    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    packed: float = 0  # MiB of the dump

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - began
        say(f"{what}: {self.seconds[what]:.1f} s")


class Plain(Server):
    """A server in a container that Compose does not know."""

    def __init__(self, name: str, engine: Engine):
        super().__init__((), engine)
        self._inside = ("docker", "exec", "-i", name)


def table(rows: int = ROWS) -> str:
    """Measure all engines, and return the table."""
    measured = {engine.title: figures_of(engine, rows) for engine in ENGINES.values()}
    rows_of = {
        f"{rows * ROW / 1e9:.2f} GB of rows": list(measured),
        **{f"{what}, s": [f"{one.seconds[what]:.1f}" for one in measured.values()] for what in STEPS},
        "dump.sql.gz, MiB": [f"{one.packed:.0f}" for one in measured.values()],
        **{f"memory {when}, MiB": [f"{one.memory[when]:.0f}" for one in measured.values()] for when in MOMENTS},
    }
    lines = [f"{what:<30}" + "".join(f"{value:>12}" for value in values) for what, values in rows_of.items()]
    return "\n".join(lines)


def figures_of(engine: Engine, rows: int) -> Figures:
    images.ensure([one for one in images.catalogue() if one.official == engine.image])
    figures, name = Figures(), f"landfall-lab-bench-{engine.name}"
    root = FOLDER / engine.name
    remove(name, root)
    try:
        say(f"{engine.title} ...")
        start(engine, name, root)
        figures.memory[STARTED] = memory(name)
        server = Plain(name, engine)
        schema = server.schema()
        server.load(schema, statements(rows))
        with figures.timed(DUMP):
            made = dump(server, root, schema)
        figures.packed = made.archive_bytes / 2**20
        with figures.timed(VERIFY):
            verify(made.archive)
        with figures.timed(LOAD):
            Replacement(root, server).fill(schema, made)
        figures.memory[LOADED] = memory(name)
    finally:
        remove(name, root)
    return figures


def service(engine: Engine, root: Path) -> dict[str, Any]:
    """The engine's part of the service db, with its files in `root`."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701 - YAML, no HTML
    environment.filters["to_json"] = json.dumps
    environment.filters["landfall.django.swap_limit"] = with_swap
    template = environment.from_string((ROOT / f"templates/database/{engine.name}.yaml.j2").read_text())
    given = {
        "stack_database_name": "shop",
        "stack_database_user": "shop",
        "__stack_owners": {"db": OWNER.split(":")[0]},
        "__stack_sizes": asdict(sizes(HOST, Shape(engine), {"db_memory_mib": MEMORY})),
    }
    given |= {"__stack_secrets_dir": f"{root}/secrets", "__stack_init_dir": f"{root}/database"}
    block: dict[str, Any] = yaml.safe_load(template.render(given))
    return block


def start(engine: Engine, name: str, root: Path) -> None:
    """Start the service without Compose, with its settings and its limit of memory, and wait until it is healthy."""
    secrets, init = root / "secrets" / "db", root / "database"
    for folder in (secrets, init):
        folder.mkdir(parents=True)
    for file, text in (("user", "shop"), ("password", "a-password"), ("root_password", "another")):
        (secrets / file).write_text(text)
    if engine.init_script:
        (init / "init.sh").write_text(engine.init_script)
    db = service(engine, root)
    words = [f"--env={key}={value}" for key, value in db["environment"].items()]
    words += [f"--tmpfs={place}" for place in db["tmpfs"]]
    for mount in db["volumes"]:
        source, target = mount.split(":")[:2] if isinstance(mount, str) else (mount["source"], mount["target"])
        if not source.startswith("/"):
            source, target = f"{name}-{source}", f"{target}:nocopy"
            as_root = ("run", "--rm", "--user=0", "--entrypoint=chown", f"--volume={source}:/volume:nocopy")
            docker.docker(*as_root, engine.image, OWNER, "/volume")
        words.append(f"--volume={source}:{target}")
    confined = ("--read-only", f"--user={OWNER}", "--cap-drop=ALL", f"--memory={db['mem_limit']}")
    shared = [f"--shm-size={db['shm_size']}"] if "shm_size" in db else []
    docker.docker("run", "--detach", "--name", name, *confined, *shared, *words, engine.image, *db["command"])
    health = db["healthcheck"]["test"][1].replace("$$", "$")
    wait_for(engine.title, lambda: works(["docker", "exec", name, "sh", "-c", health]), seconds=180)


def statements(rows: int) -> Iterator[bytes]:
    """SQL that makes a table with an index. Its texts are half as long when they are compressed."""
    chance = random.Random(1)  # noqa: S311 - data, no secret
    yield b"CREATE TABLE note (id integer PRIMARY KEY, kind integer, body text);\nCREATE INDEX kinds ON note (kind);\n"
    for first in range(0, rows, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, rows))
        values = ",".join(f"({number},{number % 97},'{chance.randbytes(ROW // 2).hex()}')" for number in numbers)
        yield b"INSERT INTO note VALUES " + values.encode() + b";\n"


def memory(name: str) -> float:
    """MiB of a container without the cache of its files."""
    used = docker.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name).split(" / ")[0]
    number, unit = used[:-3], used[-3:]
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def remove(name: str, root: Path) -> None:
    docker.docker("rm", "--force", "--volumes", name)
    for volume in ("db-data", "db-tmp"):
        docker.docker("volume", "rm", "--force", f"{name}-{volume}")
    shutil.rmtree(root, ignore_errors=True)
