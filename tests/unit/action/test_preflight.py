# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action preflight for one role: one question to the host, and all problems at once."""

from __future__ import annotations

import types
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.landfall.django.plugins.action import preflight
from ansible_collections.landfall.django.plugins.module_utils._preflight import distributions

from rendered import templar

PROBE: dict[str, Any] = {
    "accounts": [],
    "distribution": {"id": "debian", "version": "13", "release": "trixie", "name": "Debian 13"},
    "engine": "29.0.0",
    "stack_files": [],
    "files": {"/etc/apt/keyrings/docker-0.asc": "5ec7e7"},
    "ipv6": False,
    "packages": ["docker.io"],
    "programs": {},
    "units": {"docker.service": {"enabled": "enabled", "active": "active"}},
}


class Play:
    """One task of a role, on a host that answers as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, role: str, **arguments: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Any = PROBE
        self.role = role
        self.action = object.__new__(preflight.ActionModule)
        self.action._task = types.SimpleNamespace(args={"role": role, **arguments})
        self.action._loader = DataLoader()
        monkeypatch.setattr(preflight.ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(preflight._program, "call", self.call)

    def call(self, *given: Any) -> dict[str, Any]:
        _action, _modules, _function, asked, _variables = given
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)

    def run(self, **variables: Any) -> dict[str, Any]:
        found = templar(self.role, variables)
        self.action._templar = found
        return self.action.run(None, dict(found.available_variables))


def test_the_host_is_asked_once_for_all_that_the_role_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, "docker", packages=["docker-ce"], units=["docker.service"])
    done = play.run()
    (asked,) = play.asked
    assert {"docker-ce", "docker.io", "docker-compose-v2"} <= set(asked["packages"])
    assert asked["units"] == ["docker.service"]
    assert not done.get("failed")
    assert done["units"] == PROBE["units"]
    assert done["files"] == PROBE["files"]
    own = distributions.SUPPORTED["Debian 13"].docker_packages
    assert done["distribution"]["docker_packages"] == list(own)


def test_variables_and_host_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, "docker")
    play.answer = {
        **PROBE,
        "packages": [],
        "distribution": {**PROBE["distribution"], "version": "12", "name": "Debian 12"},
    }
    done = play.run(docker_origin="distribution", docker_version="5:29.*", docker_repository_key_checksum="0EBFCD88")
    assert done["failed"]
    named = [line.split(":")[0].removeprefix("- ") for line in done["msg"].splitlines()[1:]]
    assert sorted(named) == ["docker_origin", "docker_repository_key_checksum", "docker_version"]
    assert "units" not in done


def test_numbers_and_types_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    done = Play(monkeypatch, "nginx").run(nginx_site_requests=1, nginx_hsts_include_subdomains="perhaps")
    assert done["failed"]
    assert {"- nginx_site_requests", "- nginx_hsts_include_subdomains"} == {
        line.split(":")[0] for line in done["msg"].splitlines()[1:]
    }


def test_a_host_that_is_gone_does_not_hide_a_bad_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, "letsencrypt")
    play.answer = AnsibleConnectionFailure("no route")
    done = play.run(letsencrypt_directory_url="acme.example.com")
    assert done["failed"]
    assert "letsencrypt_directory_url: " in done["msg"]
    assert "no route" in done["msg"]


def test_only_the_roles_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleError, match="traefik"):
        Play(monkeypatch, "traefik").run()


class Become:
    def __init__(self, method: str, password: str | None) -> None:
        self.name, self.password = method, password

    def get_option(self, _name: str, playcontext: object) -> str | None:
        return self.password


@pytest.mark.parametrize(
    ("transport", "become", "is_root"),
    [
        ("ssh", Become("ansible.builtin.sudo", None), True),
        ("ssh", Become("sudo", "open sesame"), False),
        ("ssh", Become("community.general.doas", None), False),
        ("local", Become("sudo", "open sesame"), True),
        ("ssh", None, True),
    ],
    ids=["no password", "password", "doas", "local", "root"],
)
def test_a_password_keeps_rsync_from_being_root(transport: str, become: Become | None, is_root: bool) -> None:
    action = object.__new__(preflight.ActionModule)
    action._connection = types.SimpleNamespace(become=become, transport=transport)
    action._play_context = None
    assert action._rsync_is_root() is is_root
