# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action init: it writes what is missing, changes nothing that exists, and keeps the vault's password to itself."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.landfall.django.plugins.action import init

from tests.unit.plugin_utils._init.projects import PLAIN, make

PLAYBOOK = Path(__file__).parents[3] / "playbooks/init.yml"
VAULT = "production/group_vars/all/vault.yml"
MAIN = "production/group_vars/all/main.yml"
ENVIRONMENT = ["production/hosts.yml", MAIN, VAULT]
COMMON = ["ansible.cfg", "requirements.yml", ".gitignore"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    make(tmp_path, PLAIN)
    monkeypatch.setattr(init.ActionBase, "run", lambda *_arguments: {})

    def call(check: bool = False, **given: Any) -> dict[str, Any]:
        action = object.__new__(init.ActionModule)
        arguments = {"path": str(tmp_path), **given}
        action._task = types.SimpleNamespace(args=arguments, check_mode=check, no_log=False, action="init")
        action._loader = DataLoader()
        return action.run()

    return call


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_changes_nothing(run: Any, tmp_path: Path) -> None:
    first = run()
    assert first["changed"]
    assert sorted(first["written"]) == sorted([*ENVIRONMENT, *COMMON, ".vault_password"])
    before = contents(tmp_path)
    second = run(domains=["other.example.com"])
    assert (second["changed"], second["written"]) == (False, [])
    assert sorted(second["kept"]) == sorted([*ENVIRONMENT, *COMMON])
    assert contents(tmp_path) == before


def test_a_file_of_the_user_stays(run: Any, tmp_path: Path) -> None:
    make(tmp_path / "deploy", {MAIN: "stack_domains: [mine.example.com]\n", "Dockerfile": "FROM mine\n"})
    (tmp_path / "deploy/ansible.cfg").symlink_to("nowhere")
    done = run()
    assert {MAIN, "ansible.cfg"} <= set(done["kept"])
    assert (tmp_path / "deploy" / MAIN).read_text() == "stack_domains: [mine.example.com]\n"
    assert (tmp_path / "deploy/ansible.cfg").is_symlink()
    # It is answered there, so nobody is asked again.
    assert not any("stack_domains" in line for line in done["report"])


def test_a_check_writes_nothing_and_tells_what_it_would(run: Any, tmp_path: Path) -> None:
    before = contents(tmp_path)
    checked = run(check=True)
    assert contents(tmp_path) == before
    assert checked["changed"]
    written = run()["written"]
    assert sorted(checked["written"]) == sorted(written)
    assert run(check=True)["changed"] is False


def test_the_vault_is_encrypted_with_a_password_that_only_its_owner_reads(run: Any, tmp_path: Path) -> None:
    done = run()
    deploy = tmp_path / "deploy"
    password = (deploy / ".vault_password").read_text().strip()
    assert len(password) > 40
    assert (deploy / ".vault_password").stat().st_mode & 0o777 == 0o600
    assert password not in str(done)
    assert (deploy / VAULT).read_bytes().startswith(b"$ANSIBLE_VAULT;")
    command = [Path(sys.executable).with_name("ansible-vault"), "view", "--vault-password-file=.vault_password", VAULT]
    shown = subprocess.run(command, cwd=deploy, check=True, capture_output=True, text=True)
    assert "# vault_smtp_password:" in shown.stdout


def test_one_more_environment_shares_the_password(run: Any, tmp_path: Path) -> None:
    run()
    before = contents(tmp_path)
    done = run(environment="staging")
    assert sorted(done["written"]) == sorted(name.replace("production", "staging") for name in ENVIRONMENT)
    assert contents(tmp_path).items() > before.items()
    assert done["report"][-1].endswith("-i staging")


def test_a_vault_of_a_lost_password_gets_no_neighbour(run: Any, tmp_path: Path) -> None:
    run()
    (tmp_path / "deploy/.vault_password").unlink()
    assert run()["changed"] is False
    assert ".vault_password" not in contents(tmp_path / "deploy")
    with pytest.raises(AnsibleError, match=r"\.vault_password is missing"):
        run(environment="staging")


def test_questions_come_before_the_next_command(run: Any) -> None:
    asked = run()["report"]
    assert [line for line in asked if line.startswith("Fill in: ")] == [
        "Fill in: deploy/production/hosts.yml: ansible_host",
        "Fill in: deploy/production/group_vars/all/main.yml: stack_domains",
    ]
    assert "landfall.django.site -i production" in asked[-1]
    given = run(environment="staging", host="203.0.113.7", domains="a.example.com,b.example.com")
    assert not any(line.startswith("Fill in: ") for line in given["report"])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"environment": "../up"}, "init_environment"),
        ({"domains": ["https://shop.example.com"]}, "init_domains"),
        ({"path": "/nowhere"}, "init_project_dir"),
        ({"manage": "nowhere.py"}, "init_manage"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(run: Any, tmp_path: Path, given: Any, named: str) -> None:
    done = run(**given)
    assert done["failed"]
    assert done["msg"].startswith(f"{named}: ")
    assert not (tmp_path / "deploy").exists()


def test_nothing_is_written_through_a_link(run: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "deploy").symlink_to(outside)
    assert run()["failed"]
    (tmp_path / "deploy").unlink()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/production").symlink_to(outside)
    with pytest.raises(AnsibleError, match="link"):
        run()
    assert contents(outside) == {}


def test_the_playbook_works_in_the_folder_of_a_project(tmp_path: Path) -> None:
    project = make(tmp_path / "harbour", PLAIN)
    command = [Path(sys.executable).with_name("ansible-playbook"), str(PLAYBOOK), "-e", "init_domains=a.example.com"]
    command += ["-e", "init_environment=staging", "-e", "init_host=203.0.113.7"]
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8"}
    for changed in (1, 0):
        done = subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, text=True)
        assert f"changed={changed} " in done.stdout
        assert "landfall.django.site -i staging" in done.stdout
    assert "stack_domains: [a.example.com]" in (project / "deploy" / MAIN.replace("production", "staging")).read_text()
