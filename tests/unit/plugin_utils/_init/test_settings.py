# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which manage.py and which settings are taken, and what they say in production."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils._init.settings import (
    NotFoundError,
    Settings,
    manage_file,
    production_module,
)
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree

from tests.unit.plugin_utils._init.projects import MANAGE, PLAIN, SPLIT, make, seen

OTHER = MANAGE.format("x.settings")


def tree(folder: Path, files: dict[str, str]) -> Tree:
    return Tree(str(make(folder, files)))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["src/manage.py"], "src/manage.py"),
        (["src/manage.py", "manage.py"], "manage.py"),
        (["example/manage.py", "apps/site/manage.py"], "apps/site/manage.py"),
    ],
)
def test_the_upper_manage_file_that_is_no_example(tmp_path: Path, files: list[str], expected: str) -> None:
    assert manage_file(tree(tmp_path, dict.fromkeys(files, OTHER))) == expected


def test_a_manage_file_of_something_else_does_not_count(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as said:
        manage_file(tree(tmp_path, {"manage.py": "print('a script')", "main.py": ""}))
    assert all(part in str(said.value) for part in (str(tmp_path), "2 files", "init_project_dir", "init_manage"))


def test_two_of_the_same_rank_are_a_question(tmp_path: Path) -> None:
    files = tree(tmp_path, {"shop/manage.py": OTHER, "blog/manage.py": OTHER})
    with pytest.raises(NotFoundError, match=r"blog/manage\.py, shop/manage\.py.*init_manage"):
        manage_file(files)
    assert manage_file(files, "shop/manage.py") == "shop/manage.py"
    with pytest.raises(NotFoundError, match="init_manage"):
        manage_file(files, "../manage.py")


@pytest.mark.parametrize(
    ("files", "default", "environment", "expected"),
    [
        (["s/base.py", "s/local.py", "s/production.py"], "s.local", "production", "s.production"),
        (["s/__init__.py", "s/prod.py"], "s", "production", "s.prod"),
        (["s/prod.py", "s/staging.py"], "s.dev", "staging", "s.staging"),
        (["s/prod.py"], "s.dev", "staging", "s.prod"),
        (
            ["shop/settings.py", "shop/settings_production.py"],
            "shop.settings",
            "production",
            "shop.settings_production",
        ),
        # A module of the package that is not settings.
        (["shop/settings.py", "shop/server.py"], "shop.settings", "production", None),
        (["s/production.py"], "s.production", "production", None),
    ],
)
def test_settings_for_the_environment(
    tmp_path: Path, files: list[str], default: str, environment: str, expected: str | None
) -> None:
    chosen = production_module(tree(tmp_path, dict.fromkeys(files, "")), "", default, environment)
    assert (chosen.value if chosen else None) == expected


def settings(folder: Path, text: str, **more: str) -> Settings:
    files = {"shop/settings.py": text, **{f"shop/{name}.py": content for name, content in more.items()}}
    return Settings(tree(folder, files), "", "shop.settings")


def test_the_last_value_counts_with_its_line(tmp_path: Path) -> None:
    read = settings(tmp_path, "from .base import *\nA = 2\nD['x'] = 3\n", base="A = 1\nB = 1\nD = {}\n")
    assert (read.value("A"), read.where("A")) == (2, "shop/settings.py:2")
    assert (read.value("B"), read.where("B")) == (1, "shop/base.py:2")
    assert read.value("D") == {"x": 3}


def test_branches_of_debug_do_not_count(tmp_path: Path) -> None:
    read = settings(tmp_path, "if DEBUG:\n    A = 1\nelse:\n    A = 2\nif not DEBUG:\n    B = 1\nelse:\n    B = 2\n")
    assert (read.value("A"), read.value("B")) == (2, 1)


def test_branches_of_tests_and_of_what_the_stack_sets(tmp_path: Path) -> None:
    text = """\
if "test" in sys.argv:
    A = 1
else:
    A = 2
if "DATABASE_URL" in os.environ:
    B = 1
else:
    B = 2
url = os.getenv("REDIS_URL")
if not url:
    C = 1
else:
    C = 2
"""
    read = settings(tmp_path, text)
    assert [[option.value for option in read.options[name]] for name in "ABC"] == [[2], [1], [2]]


def test_a_choice_by_a_variable_is_kept_open(tmp_path: Path) -> None:
    text = "if os.getenv('KIND') == 'a':\n    one = 1\nelse:\n    one = 2\nALL = {'default': one}\n"
    read = settings(tmp_path, text)
    assert [option.value for option in read.options["ALL"]] == [{"default": 2}, {"default": 1}]
    assert read.deciders["ALL"] == {"KIND"}


def test_a_settings_module_that_manage_does_not_name(tmp_path: Path) -> None:
    manage = "from django.core.management import execute_from_command_line"
    files = {"manage.py": manage, "shop/settings/__init__.py": "", "shop/settings/base.py": "DEBUG = True\n"}
    project = seen(tmp_path, {**files, "tests/settings.py": ""})
    assert project.settings_module
    assert project.settings_module.value == "shop.settings.base"


def test_what_is_read_on_a_condition_is_not_needed(tmp_path: Path) -> None:
    text = """\
FIRST = os.environ["FIRST"]
if FEATURE:
    SECOND = os.environ["SECOND"]
try:
    THIRD = os.environ["THIRD"]
except KeyError:
    THIRD = ""
"""
    read = settings(tmp_path, text)
    assert {name for name, (variable, _where) in read.variables.items() if variable.is_required} == {"FIRST"}


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    assert settings(tmp_path, "from .base import *\nA = 1\n", base="from .settings import *\nB = 2\n").value("B") == 2


def test_what_split_settings_include(tmp_path: Path) -> None:
    read = settings(tmp_path, "include('parts_*.py', optional('missing.py'))", parts_a="A = 1")
    assert read.value("A") == 1


def test_what_cannot_be_parsed_is_told(tmp_path: Path) -> None:
    assert settings(tmp_path, "print 'python 2'").unparsed == ["shop/settings.py"]


def test_nothing_of_a_project_is_executed(tmp_path: Path) -> None:
    project = seen(tmp_path, PLAIN)
    assert project.settings.value("DEBUG") is True


def test_paths_are_those_of_the_image(tmp_path: Path) -> None:
    project = seen(tmp_path, SPLIT)
    assert (project.base, project.code) == ("backend", "/app")
    assert project.settings.value("STATIC_ROOT") == PurePosixPath("/app/assets")
