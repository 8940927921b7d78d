"""Points testinfra at the hosts of the scenario that Molecule is running, by the inventory that its playbooks use."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from visitor import Visitor
from xdist.scheduler import LoadScopeScheduling

INVENTORY = Path(__file__).parent / "inventory"


def scenario() -> dict:
    return yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text(encoding="utf-8"))


def pytest_configure(config: pytest.Config) -> None:
    config.option.ansible_inventory = str(INVENTORY)
    # testinfra finds no host for a pattern such as `one:other`.
    names = scenario()["provisioner"]["options"]["limit"].split(":")
    config.option.hosts = ",".join(f"ansible://{name}" for name in names)


class ByHost(LoadScopeScheduling):
    """Gives all tests of a host to one process, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return re.search(r"ansible://\w+", nodeid).group()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByHost:
    return ByHost(config, log)


@pytest.fixture(scope="module")
def variables(host) -> dict:
    return host.ansible.get_variables()


@pytest.fixture(scope="module")
def visit(variables) -> Callable[[str], Visitor]:
    """Make a visitor of a site by its label: `shop` visits shop.<host>.test."""
    return lambda label: Visitor(variables["ansible_host"], f"{label}.{variables['inventory_hostname']}.test")


@pytest.fixture(scope="module")
def playbook_command(variables) -> Callable[..., list[str]]:
    """The command that runs a playbook against this host, with the arguments that Molecule gives its own runs."""
    arguments = [
        part.replace("${MOLECULE_PROJECT_DIRECTORY}", os.environ["MOLECULE_PROJECT_DIRECTORY"]).replace(
            "${MOLECULE_SCENARIO_DIRECTORY}", os.environ["MOLECULE_SCENARIO_DIRECTORY"]
        )
        for part in scenario()["ansible"]["executor"]["args"]["ansible_playbook"]
    ]

    def command(playbook: str, *more: str) -> list[str]:
        return ["ansible-playbook", playbook, *arguments, "--limit", variables["inventory_hostname"], *more]

    return command


@pytest.fixture(scope="module")
def ansible_playbook(playbook_command) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a playbook against this host."""

    def run(playbook: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            playbook_command(playbook, *more),
            env=os.environ | {"ANSIBLE_FORCE_COLOR": "0"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=1200,
        )

    return run


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Wait until a condition holds, and fail if it does not within `seconds`."""

    def wait(condition: Callable[[], bool], *, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not so within {seconds} seconds"
            time.sleep(1)

    return wait
