# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lock files, packages and the version of Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils._init import dependencies
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree

from tests.unit.plugin_utils._init.projects import make


def tree(folder: Path, files: dict[str, str]) -> Tree:
    return Tree(str(make(folder, files)))


@pytest.mark.parametrize(
    ("files", "name", "where"),
    [
        ({"uv.lock": '[[package]]\nname = "mysqlclient"\n'}, "mysqlclient", "uv.lock:2"),
        ({"poetry.lock": '[[package]]\nname = "Psycopg2_Binary"\n'}, "psycopg2-binary", "poetry.lock:2"),
        ({"Pipfile.lock": '{\n    "default": {\n        "psycopg": {\n'}, "psycopg", "Pipfile.lock:3"),
        ({"requirements.txt": "-r base.txt\n", "base.txt": "\npsycopg[binary]==3\n"}, "psycopg", "base.txt:2"),
        ({"requirements.txt": "-r requirements.txt\nredis\n"}, "redis", "requirements.txt:2"),
        ({"requirements.txt": "-r ../../../etc/hosts\nredis\n"}, "redis", "requirements.txt:2"),
        ({"requirements/base.txt": "celery\n"}, "celery", "requirements/base.txt:1"),
        ({"pyproject.toml": '[project]\ndependencies = ["psycopg[c]>=3"]\n'}, "psycopg", "pyproject.toml:2"),
    ],
)
def test_packages(tmp_path: Path, files: dict[str, str], name: str, where: str) -> None:
    assert dependencies.packages(tree(tmp_path, files), "")[name] == where
