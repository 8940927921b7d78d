# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the files of deploy/ look like, and that every tool that reads them takes them."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.action import init
from ansible_collections.landfall.django.plugins.module_utils._preflight import spec
from ansible_collections.landfall.django.plugins.module_utils._preflight import stack as preflight
from ansible_collections.landfall.django.plugins.plugin_utils._init import files
from ansible_collections.landfall.django.plugins.plugin_utils._init.values import Given, plan
from packaging.specifiers import SpecifierSet
from yamllint import linter
from yamllint.config import YamlLintConfig

from tests.unit.plugin_utils._init.projects import PLAIN, SPLIT, make, seen

ROOT = Path(__file__).parents[4]
CONFIG = YamlLintConfig(file=str(ROOT / ".yamllint"))
PROJECTS = {
    "plain": PLAIN,
    "split": SPLIT,
    "image": {**PLAIN, "Dockerfile": "FROM python\nWORKDIR /code\nEXPOSE 9000\nCMD uwsgi\n"},
    "unknown": {"manage.py": PLAIN["manage.py"], "harbour/settings.py": "import os\nTOKEN = os.environ['API_TOKEN']\n"},
}
OPTIONS = yaml.safe_load(init.SPECS.read_text())["argument_specs"]["main"]["options"]


def written(folder: Path, project: dict[str, str], **given: Any) -> dict[str, str]:
    """The files of deploy/, not encrypted."""
    made = plan(seen(folder, project), Given(**given), init.defaults())
    texts = {file.path: file.text for file in files.files(made)}
    make(folder / files.FOLDER, {**texts, files.PASSWORD: "password"})
    return texts


def filled_in(text: str) -> str:
    """A file after its user has answered all questions with what they propose."""
    lines = []
    for line in text.splitlines():
        match = re.match(r"( *)# ( *[A-Za-z_]+:( .*)?)$", line)
        is_variable = match and (re.match(r" *(stack_|ansible_host|letsencrypt_|vault_|[A-Z_]+:)", match[2]))
        # The other source would be a second one.
        lines.append(match[1] + match[2] if match and is_variable and "stack_git_" not in line else line)
    return "\n".join(lines) + "\n"


def inventory(folder: Path) -> dict[str, Any]:
    """The variables of the one host, as Ansible reads them."""
    # Of the folder, as for its user.
    without_config = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", "production", "--list"],
        cwd=folder / files.FOLDER,
        env={**without_config, "ANSIBLE_HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    (variables,) = json.loads(done.stdout)["_meta"]["hostvars"].values()
    return dict(variables)


def problems(folder: Path, variables: dict[str, Any]) -> list[str]:
    """What the preflight says of the variables."""
    own = {name: value for name, value in variables.items() if name.startswith("stack_")}
    own["stack_project_dir"] = own["stack_project_dir"].replace("{{ inventory_dir | dirname | dirname }}", str(folder))
    defaults = {name: value for name, value in init.defaults().items() if "{{" not in str(value)}
    good, wrong = spec.checked(OPTIONS, {**defaults, **own})
    wrong += spec.unknown_names(own, OPTIONS)
    for name in ("stack_environment", "stack_secrets"):
        wrong += preflight.environment_problems(name, own.get(name, {}))
    return [*wrong, *preflight.problems_of(good, Path)]


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("is_filled_in", [False, True])
def test_yamllint_passes(tmp_path: Path, name: str, is_filled_in: bool) -> None:
    for path, text in written(tmp_path, PROJECTS[name], domains=["shop.example.com"] * is_filled_in).items():
        if path.endswith(".yml"):
            shown = filled_in(text) if is_filled_in else text
            assert [str(fault) for fault in linter.run(io.StringIO(shown), CONFIG, path)] == []


@pytest.mark.parametrize("name", ["plain", "split"])
def test_what_is_written_is_accepted(tmp_path: Path, name: str) -> None:
    written(tmp_path, PROJECTS[name], host="203.0.113.7", domains=["shop.example.com"])
    variables = inventory(tmp_path)
    assert (variables["ansible_host"], variables["ansible_user"]) == ("203.0.113.7", "root")
    assert problems(tmp_path, variables) == []


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_filled_in_is_accepted(tmp_path: Path, name: str) -> None:
    texts = {path: filled_in(text) for path, text in written(tmp_path, PROJECTS[name]).items()}
    make(tmp_path / files.FOLDER, texts)
    variables = inventory(tmp_path)
    assert variables.keys() >= {"ansible_host", "stack_domains", "letsencrypt_email"}
    assert problems(tmp_path, variables) == []
    assert files.unanswered(plan(seen(tmp_path, PROJECTS[name]), Given(), init.defaults()), texts) == []


def test_without_the_answers_the_preflight_asks_for_them(tmp_path: Path) -> None:
    written(tmp_path, PLAIN)
    assert [problem.partition(":")[0] for problem in problems(tmp_path, inventory(tmp_path))] == ["stack_domains"]


@pytest.mark.parametrize("name", PROJECTS)
def test_each_file_says_whose_it_is(tmp_path: Path, name: str) -> None:
    for path, text in written(tmp_path, PROJECTS[name]).items():
        assert path == ".gitignore" or "vault.yml" in path or "yours to edit" in text.split("\n\n")[0]


def test_the_vault_has_a_place_for_each_secret_that_only_its_owner_knows(tmp_path: Path) -> None:
    texts = written(tmp_path, SPLIT)
    assert "# vault_mail_password:" in texts["production/group_vars/all/vault.yml"]
    assert yaml.safe_load(texts["production/group_vars/all/vault.yml"]) is None
    main = texts["production/group_vars/all/main.yml"]
    assert '  # MAIL_PASSWORD: "{{ vault_mail_password }}"' in main
    assert "MAIL_PASSWORD" not in yaml.safe_load(main)["stack_secrets"]


def test_every_file_of_a_password_is_ignored_by_git_and_by_releases(tmp_path: Path) -> None:
    assert files.PASSWORD in written(tmp_path, PLAIN)[".gitignore"].splitlines()
    assert f"vault_password_file = {files.PASSWORD}" in (tmp_path / "deploy/ansible.cfg").read_text().splitlines()
    role = yaml.safe_load((ROOT / "roles/stack/vars/main.yml").read_text())
    assert f"**/{files.PASSWORD}" in role["__stack_not_source"]


def test_the_collection_itself_is_good_enough() -> None:
    (wanted,) = yaml.safe_load(files._REQUIREMENTS)["collections"]
    own = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert wanted["name"] == f"{own['namespace']}.{own['name']}"
    assert SpecifierSet(wanted["version"]).contains(own["version"])


@pytest.mark.parametrize(
    "value",
    ["yes", "1.10", "a: b", "{{ x }}", "a #b", "", "null", "ä", "[a", "a, b", "'q'", 'd"q', "10:30", True, 7, "x-y"],
)
def test_values_arrive_as_they_are(value: Any) -> None:
    assert yaml.safe_load(f"name: {files._scalar(value)}") == {"name": value}
    assert yaml.safe_load(f"name: [{files._scalar(value)}]") == {"name": [value]}
