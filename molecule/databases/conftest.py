"""The stacks of the scenario, one per test module."""

from __future__ import annotations

import subprocess

import pytest
from meter_stack import COPY, SOURCE, Stack, edit_release


@pytest.fixture(scope="module")
def stack(request, host, ansible_playbook, visit, variables) -> Stack:
    """The stack that a test module names in NAME, with its VARIABLES, on a copy of the project as it was at first."""
    subprocess.run(["rsync", "--archive", "--delete", f"{SOURCE}/", f"{COPY}/"], check=True)
    edit_release()
    name = request.module.NAME
    return Stack(name, host, ansible_playbook, visit(name), variables["ansible_host"], request.module.VARIABLES)


@pytest.fixture(scope="module")
def deployed(stack) -> Stack:
    stack.play("site")
    return stack
