# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An engine is named in its own places, and nowhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._database.engine import SchemaContents
from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, ENGINES, by_name

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = {".py", ".yml", ".j2", ".sh"}
# Where one is chosen; a default in documentation; examples; the word by which Django tells two apart.
SHARED = {
    "plugins/module_utils/_database/engines.py",
    "roles/stack/defaults/main.yml",
    "roles/stack/meta/argument_specs.yml",
    "plugins/modules/release.py",
    "plugins/modules/stack_status.py",
    "plugins/filter/database.py",
    "plugins/module_utils/_database/project.py",
}


def places(name: str) -> set[str]:
    """The files that have the name as a word. Prose writes it with capital letters."""
    files = [path for folder in ("plugins", "templates", "roles", "playbooks") for path in (ROOT / folder).rglob("*")]
    word = re.compile(rf"\b{name}\b")
    return {
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix in SUFFIXES and word.search(path.read_text(encoding="utf-8"))
    }


def own(name: str) -> set[str]:
    return {f"plugins/module_utils/_database/{name}.py", f"templates/database/{name}.yaml.j2"}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_one_file_and_one_block(name):
    assert all((ROOT / file).is_file() for file in own(name))
    # MariaDB is told by where it differs from MySQL.
    assert places(name) - set().union(*map(own, ENGINES)) <= SHARED


def test_every_engine_can_be_chosen():
    spec = yaml.safe_load((ROOT / "roles/stack/meta/argument_specs.yml").read_text())
    option = spec["argument_specs"]["main"]["options"]["stack_database"]
    assert set(ENGINES) <= set(option["choices"])
    assert option["default"] == DEFAULT


def test_a_name_that_no_engine_has_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"stack_database: .*mysql"):
        by_name("oracle")


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_the_user_of_an_external_server_needs_no_administrators_rights(name):
    for external in (False, True):
        engine = by_name(name, external)
        client = " ".join(engine.client_command("shop"))
        assert ("sql_log_bin" in client) == (not external)
        assert "lock_wait_timeout" in client


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_an_option_that_only_the_client_has_is_not_given_to_the_program_that_dumps(name):
    engine = by_name(name, external=True)
    contents = SchemaContents("", "", "", "", 0, definitions=dict.fromkeys(engine.definition_kinds, ()))
    assert any("connect-timeout" in word for word in engine.client_command("shop"))
    assert not any("connect-timeout" in word for word in engine.dump_tables("shop", contents))


@pytest.mark.parametrize(
    ("name", "tls", "option"),
    [
        ("mysql", "verify-full", "--ssl-mode=VERIFY_IDENTITY --ssl-ca=/ca.pem"),
        ("mysql", "require", "--ssl-mode=REQUIRED"),
        ("mysql", "disable", "--ssl-mode=DISABLED"),
        ("mariadb", "verify-full", "--ssl-verify-server-cert --ssl-ca=/ca.pem"),
        ("mariadb", "require", "--ssl --disable-ssl-verify-server-cert"),
        ("mariadb", "disable", "--skip-ssl"),
    ],
)
def test_each_word_for_tls_gives_the_client_its_options(name, tls, option):
    script = f"echo {by_name(name, external=True).client_tls}"
    given = {"DATABASE_TLS": tls, "DATABASE_CA": "/ca.pem"}
    said = subprocess.run(["sh", "-c", script], env=given, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == option
