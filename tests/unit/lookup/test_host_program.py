# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup host_program: a part of the collection as a file that runs on a host by its Python alone."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.landfall.django.plugins.plugin_utils import _program

from rendered import variable

MAIN = """
from ansible_collections.landfall.django.plugins.module_utils._text import shorten

def main(words, version, code=0):
    print(shorten(words), version)
    return code
"""


VERSION = _program.version()


@pytest.fixture
def module_utils(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    real = _program.MODULE_UTILS
    folder = tmp_path / "module_utils"
    (folder / "_example").mkdir(parents=True)
    (folder / "_example/main.py").write_text(MAIN)
    (folder / "_text.py").write_text((real / "_text.py").read_text())
    monkeypatch.setattr(_program, "MODULE_UTILS", folder)
    monkeypatch.setattr(_program, "version", lambda: VERSION)
    _program.needed.cache_clear()
    yield folder
    _program.needed.cache_clear()


@pytest.mark.parametrize("code", [0, 3])
def test_the_program_runs_without_ansible(module_utils: Path, tmp_path: Path, code: int) -> None:
    file = tmp_path / "example"
    file.write_text(_program.installed("_example.main", {"code": code}))
    file.chmod(0o755)
    ran = subprocess.run([file, "run", "now"], capture_output=True, text=True, check=False, cwd="/", env={})
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, f"run, now {VERSION}\n", "")


def test_the_file_says_who_writes_it(module_utils: Path) -> None:
    first, second = _program.installed("_example.main", {}).splitlines()[:2]
    assert first == "#!/usr/bin/python3 -IS"
    assert _program.MANAGED in second


def test_the_version_of_an_installed_collection_is_in_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert yaml.safe_load((_program.MODULE_UTILS.parents[1] / "galaxy.yml").read_text())["version"] == VERSION
    (tmp_path / "MANIFEST.json").write_text('{"collection_info": {"version": "1.2.3"}}')
    monkeypatch.setattr(_program, "MODULE_UTILS", tmp_path / "plugins/module_utils")
    assert _program.version() == "1.2.3"


def test_a_role_gets_it_by_the_lookup() -> None:
    text = variable("stack", "lookup('landfall.django.host_program', '_files.lease', arguments={'number': 7})", {})
    assert text == _program.installed("_files.lease", {"number": 7})
    ast.parse(text)
