# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import cli


def engine(monkeypatch, *listed, there):
    """One that lists these containers, one after the other, and knows those that are `there`."""
    answers = iter(listed)

    def execute(command, _given, _timeout, _merge):
        names = command[3:]
        if command[1] == "ps":
            return subprocess.CompletedProcess(command, 0, next(answers), "")
        code = 0 if set(names) <= there else 1
        return subprocess.CompletedProcess(command, code, json.dumps([{"Id": name} for name in names]), "No such")

    monkeypatch.setattr(cli, "execute", execute)


def test_a_container_that_goes_while_it_is_looked_at_is_none(monkeypatch):
    engine(monkeypatch, "a b", "a", there={"a"})
    assert cli.containers(["label=x"]) == [{"Id": "a"}]


def test_what_cannot_be_looked_at_is_told(monkeypatch):
    engine(monkeypatch, "a b", "a b", there={"a"})
    with pytest.raises(cli.DockerError):
        cli.containers(["label=x"])
