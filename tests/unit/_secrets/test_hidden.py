# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What our modules write into the journal and return: never what is secret, whatever characters it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_collections.landfall.django as collection
import pytest

MODULES = Path(collection.__path__[0]) / "plugins/modules"
PLANTED = "planted'\"\\\n{{ x }} ä"
# Ansible logs to syslog where the host has no binding for the journal. The message and the fields are what is recorded.
DRIVER = """
import importlib, json, sys
from ansible.module_utils import basic
from tests.unit.module_arguments import patch_module_args
logged = []
basic.AnsibleModule.log = lambda self, message, log_args=None: logged.append([message, log_args])
module = importlib.import_module(sys.argv[1])
with patch_module_args(json.loads(sys.stdin.read())):
    try:
        module.main()
    except SystemExit:
        pass
print(json.dumps(logged))
"""


def ran(module: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    """What a module returned, and what it logged."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, f"ansible_collections.landfall.django.plugins.modules.{module}"],
        input=json.dumps(arguments),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    returned, logged = done.stdout.strip().splitlines()
    assert "Invoked" in logged
    return json.loads(returned), logged


def is_clean(said: str) -> bool:
    return "planted" not in said


@pytest.fixture
def env(tmp_path: Path) -> dict[str, Any]:
    owner = {"owner": str(os.getuid()), "group": str(os.getgid())}
    return {"root": str(tmp_path), "entries": [{"path": ".env", "content": PLANTED, "secret": True, **owner}]}


def test_a_secret_file_is_in_no_journal_no_diff_and_no_result(tmp_path: Path, env: dict[str, Any]) -> None:
    (tmp_path / ".env").write_text("planted before")
    returned, logged = ran("tree", _ansible_diff=True, **env)
    assert is_clean(logged)
    assert is_clean(json.dumps(returned, ensure_ascii=False))
    assert returned["paths"] == [str(tmp_path / ".env")]
    assert (tmp_path / ".env").read_text() == PLANTED


def test_a_check_of_secret_files_leaves_the_disk_alone(env: dict[str, Any]) -> None:
    folder = ["sh", "-c", 'dirname "$0"; stat -c %a "$0"/..; exit 1', "{tree}"]
    returned, _logged = ran("tree", validate=folder, **env)
    place, mode = returned["msg"].split()[-2:]
    # Whoever may not write there has no secrets of a host either.
    assert (place.startswith("/run/landfall-"), mode) == (os.access("/run", os.W_OK), "700")
    assert not Path(place).exists()


def test_other_files_are_shown_but_not_logged(env: dict[str, Any]) -> None:
    env["entries"][0]["secret"] = False
    returned, logged = ran("tree", **env)
    assert returned["diff"][0]["after"] == PLANTED
    assert is_clean(logged)


def test_a_refusal_still_names_the_path(env: dict[str, Any]) -> None:
    env["entries"][0]["target"] = "elsewhere"
    returned, _logged = ran("tree", **env)
    assert returned["msg"].startswith(".env: content and target")


def test_a_registrys_password_is_in_no_journal_and_no_result(tmp_path: Path) -> None:
    login = {"registry": "registry.example.com", "username": "deploy", "password": PLANTED}
    file = tmp_path / "docker/config.json"
    returned, logged = ran("registry_logins", logins=[login], path=str(file))
    assert is_clean(logged)
    assert is_clean(json.dumps(returned, ensure_ascii=False))
    assert returned["registries"] == ["registry.example.com"]
    assert "registry.example.com" in file.read_text()


def test_the_passwords_of_a_rotation_are_in_no_journal(tmp_path: Path) -> None:
    given = {"stack_redis_password": PLANTED}
    arguments = {"project_src": str(tmp_path), "project_name": "shop", "state": "begun", "given": given}
    returned, logged = ran("secret_rotation", **arguments)
    assert is_clean(logged)
    assert is_clean(json.dumps(returned, ensure_ascii=False))
