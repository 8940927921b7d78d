# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import tomllib

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project import dependencies

PYPROJECT = """
[project]
name = "shop"
[project.optional-dependencies]
s3 = ["boto3"]
[dependency-groups]
dev = ["ruff"]
production = ["gunicorn"]
"""
POETRY = """
[tool.poetry.group.prod.dependencies]
gunicorn = "*"
[tool.poetry.extras]
s3 = ["boto3"]
"""
PIPFILE = """
[packages]
django = "*"
[dev-packages]
[prod]
gunicorn = "*"
"""


def plan(files, lock, groups=(), member=""):
    return dependencies.plan(lock, groups, files, files.get, lambda path: tomllib.loads(files.get(path, "")), member)


@pytest.mark.parametrize(
    ("files", "folders", "given", "found"),
    [
        (["uv.lock", "poetry.lock", "requirements.txt"], [""], "", "uv.lock"),
        (["requirements.txt", "backend/requirements.txt"], ["backend", ""], "", "backend/requirements.txt"),
        (["requirements.txt"], ["backend", ""], "", "requirements.txt"),
        (["requirements/base.txt", "requirements/production.txt"], [""], "", "requirements/production.txt"),
        (["requirements/base.txt"], [""], "", "requirements/base.txt"),
        (["requirements.txt", "deploy/reqs.txt"], [""], "deploy/reqs.txt", "deploy/reqs.txt"),
        (["backend/prod.txt"], ["backend", ""], "prod.txt", "backend/prod.txt"),
        (["docs/notes.txt", "pyproject.toml"], [""], "", "pyproject.toml"),
    ],
)
def test_the_file_that_lists_the_dependencies(files, folders, given, found):
    assert dependencies.find(given, folders, files, lambda _name: "dependencies = []") == found


@pytest.mark.parametrize(
    ("files", "given", "says"),
    [
        (["requirements.txt"], "requirements/live.txt", "stack_requirements_file.*requirements/live.txt"),
        (["requirements/base.txt", "requirements/local.txt"], "", "stack_requirements_file.*base.txt.*local.txt"),
        (["README.md"], "", "stack_dockerfile.*uv.lock"),
        (["pyproject.toml"], "", "stack_dockerfile.*uv.lock"),
    ],
)
def test_no_file_or_several(files, given, says):
    with pytest.raises(ValueError, match=says):
        dependencies.find(given, [""], files, lambda _name: "[tool.ruff]")


@pytest.mark.parametrize(
    ("files", "groups", "words"),
    [
        ({"uv.lock": "", "pyproject.toml": PYPROJECT}, (), ["--group production"]),
        ({"uv.lock": "", "pyproject.toml": PYPROJECT}, ("dev", "s3"), ["--group dev --extra s3"]),
        ({"poetry.lock": "", "pyproject.toml": POETRY}, (), ["--only main,prod "]),
        ({"poetry.lock": "", "pyproject.toml": POETRY}, ("s3",), ["--only main ", "--extras s3"]),
        ({"Pipfile.lock": "{}", "Pipfile": PIPFILE}, (), ["--categories packages,prod"]),
        ({"pylock.toml": "", "pyproject.toml": PYPROJECT}, ("production",), ["--group production"]),
        ({"pyproject.toml": PYPROJECT}, (), ["--group pyproject.toml:production"]),
    ],
)
def test_groups_and_extras(files, groups, words):
    command = plan(files, next(iter(files)), groups).commands[0]
    assert [word for word in words if word not in command] == []


def test_without_a_word_a_lock_file_has_what_it_was_made_with():
    assert "--group" not in plan({"pylock.toml": "", "pyproject.toml": PYPROJECT}, "pylock.toml").commands[0]


@pytest.mark.parametrize("lock", ["uv.lock", "requirements.txt"])
def test_an_unknown_group_is_refused(lock):
    with pytest.raises(ValueError, match=r"^stack_dependency_groups"):
        plan({lock: "", "pyproject.toml": PYPROJECT}, lock, ("live",))


@pytest.mark.parametrize(
    ("lock", "text", "git", "ssh"),
    [
        ("uv.lock", 'source = { git = "https://git.example.test/tiny.git?rev=main#01" }', True, False),
        ("uv.lock", '[package.metadata]\nx = { name = "tiny", git = "ssh://git@example.test/tiny.git" }', True, True),
        ("poetry.lock", '[package.source]\ntype = "git"\nurl = "https://git.example.test/tiny.git"', True, False),
        ("Pipfile.lock", '{"tiny": {"git": "https://git.example.test/tiny.git", "ref": "01"}}', True, False),
        ("requirements.txt", "tiny @ git+ssh://git@git.example.test/tiny.git@main", True, True),
        ("requirements.txt", "gitpython==3 --hash=sha256:00", False, False),
    ],
)
def test_dependencies_from_git(lock, text, git, ssh):
    found = plan({lock: text}, lock)
    assert (found.from_git, found.by_ssh) == (git, ssh)
    assert ("--require-hashes" in found.commands[-1]) != git


def test_a_member_of_a_workspace():
    lock = """
source = { virtual = "." }
source = { editable = "apps/web" }
source = { virtual = "apps/other" }
source = { editable = "libs/tools" }
source = { path = "wheels/tiny-1.0-py3-none-any.whl" }
"""
    names = ("pyproject.toml", "apps/other/pyproject.toml", "libs/tools/pyproject.toml")
    files = {"uv.lock": lock, "apps/web/pyproject.toml": PYPROJECT, "wheels/tiny-1.0-py3-none-any.whl": ""}
    found = plan(files | dict.fromkeys(names, ""), "uv.lock", member="apps/web")
    assert "--package shop" in found.commands[0]
    assert "--group production" in found.commands[0]
    assert found.folders == ["libs/tools"]
    assert {"apps/web/pyproject.toml", "apps/other/pyproject.toml", "wheels/tiny-1.0-py3-none-any.whl"} <= {
        *found.files
    }


def test_requirements_of_a_sub_folder():
    files = {
        "backend/requirements/prod.txt": "-r base.txt\n-e ./libs/tools\n",
        "backend/requirements/base.txt": "django",
    }
    found = plan(files, "backend/requirements/prod.txt")
    assert (found.folder, found.files, found.folders) == ("backend", [*files], ["backend/libs/tools"])
    assert found.commands[0].endswith("--requirement requirements/prod.txt")


def test_a_folder_outside_the_build_context_is_refused():
    with pytest.raises(ValueError, match=r"^stack_project_subdir.*\.\./shared"):
        plan({"requirements.txt": "-e ../shared"}, "requirements.txt")


def test_indexes_that_only_some_packages_use():
    index = '[[tool.uv.index]]\nname = "corp"\nurl = "https://pypi.example.test/simple"\nexplicit = true\n'
    install = plan({"uv.lock": "", "pyproject.toml": index}, "uv.lock").commands[-1]
    assert "--index corp=https://pypi.example.test/simple" in install


@pytest.mark.parametrize(
    ("text", "named"),
    [("psycopg2-binary==2", False), ("psycopg2==2", True), ("PsycoPG2>=2", True), ("my-psycopg2", False), ("", False)],
)
def test_whether_a_package_is_named(text, named):
    assert plan({"requirements.txt": text}, "requirements.txt").names("psycopg2") == named
