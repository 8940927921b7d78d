"""The tests look at the site, unless they say otherwise; the other host is where they look from."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import testinfra

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.hosts = "ansible://trixie"


@pytest.fixture(scope="session")
def neighbour_of(request) -> Callable:
    """The other host, from which one is looked at, by its name."""
    inventory = request.config.option.ansible_inventory
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture(scope="session")
def neighbour(neighbour_of):
    return neighbour_of("bookworm")


@pytest.fixture(scope="session")
def scan_from() -> Callable[..., list[int]]:
    """Which ports of an address answer to a host: these, or all."""

    def run(host, address: str, *ports: int) -> list[int]:
        program = (HERE / "scan.py").read_text(encoding="utf-8")
        words = [program, address, *map(str, ports)]
        said = host.check_output("python3 -c " + " ".join(shlex.quote(word) for word in words))
        return [int(port) for port in said.split()]

    return run
