from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import docker, images
from lab import engine as docker_engine
from lab.__main__ import alone
from rendered import know_plugins
from tests.lab.databases import MARIADB, PASSWORD, POSTGRES_17, POSTGRES_18, Box, Engine
from tests.lab.fronts import IMAGE, Front

# Before a test imports the collection in another way: else no template knows its filters.
know_plugins()


@pytest.fixture(scope="session")
def provided() -> Callable[[str], str]:
    """Build or pull an image; return its name."""

    def provide(name: str) -> str:
        with alone():
            docker_engine.ensure()
            images.ensure([one for one in images.catalogue() if one.official == name])
        return name

    return provide


@pytest.fixture(params=(POSTGRES_18, POSTGRES_17, MARIADB), ids=lambda one: one.image)
def engine(request: pytest.FixtureRequest, provided: Callable[[str], str]) -> Engine:
    provided(request.param.image)
    return request.param


@pytest.fixture
def box(engine: Engine, tmp_path: Path) -> Iterator[Box]:
    tmp_path.chmod(0o755)
    (tmp_path / "init").mkdir()
    (tmp_path / "password").write_text(PASSWORD)
    made = Box(engine, tmp_path)
    docker.docker("volume", "create", made.name)
    yield made
    made.remove()


@pytest.fixture
def front(provided: Callable[[str], str], tmp_path: Path) -> Iterator[Front]:
    provided(IMAGE)
    tmp_path.chmod(0o755)
    made = Front(tmp_path)
    yield made
    made.remove()
