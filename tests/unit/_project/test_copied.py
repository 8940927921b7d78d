# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rsync copies of a project's folder: of real folders, with git and rsync."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.landfall.django.plugins.action.init import defaults
from ansible_collections.landfall.django.plugins.lookup.rsync_filters import options_for
from ansible_collections.landfall.django.plugins.module_utils._project import copied
from ansible_collections.landfall.django.plugins.module_utils._project.ignore import Ignore
from ansible_collections.landfall.django.plugins.plugin_utils._init import files
from ansible_collections.landfall.django.plugins.plugin_utils._init.values import Given, plan

from rendered import variable
from tests.unit.plugin_utils._init.projects import PLAIN as PROJECT
from tests.unit.plugin_utils._init.projects import seen

PLAIN = ["manage.py", "shop/settings.py", ".env.example", "docs/a.md", "odd[1]*.txt"]
# Of everybody: secrets, caches, databases and environments that no .gitignore names.
NEVER = [
    *(".env", ".env.production", ".envs/.production/.django", "shop/.env.local", "deploy/id_ed25519", "tls/site.key"),
    *("venv/bin/python", ".venv/x", "node_modules/a/b.js", "shop/__pycache__/a.pyc", ".mypy_cache/x", "db.sqlite3"),
    *("py/pyvenv.cfg", "py/bin/python"),
]


def patterns():
    return variable("stack", "__stack_not_source", {})


def make(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def travelling(root, subdir="", dockerfile="Dockerfile"):
    options = options_for(str(root), patterns(), subdir, dockerfile)
    target = root.parent / "target"
    subprocess.run(["rsync", "-a", "--delete", *options, f"{root}/", f"{target}/"], check=True)
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    make(root, PLAIN + NEVER)
    return root


def test_secrets_and_what_is_plainly_no_source_stay(project):
    assert travelling(project) == {*PLAIN}


@pytest.mark.parametrize("kind", ["plain folder", "repository", "ignored by a repository around it"])
def test_what_git_ignores_stays(project, kind):
    make(project, ["logs/dev.log", "media/a.png", "media/.gitkeep", "build/out[1]*.js", "build/out1.js"])
    (project / ".gitignore").write_text("logs/\nmedia/*\n!media/.gitkeep\nbuild/out\\[1\\]*\ntracked.log\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.test", "-C"]
    if kind == "repository":
        make(project, ["tracked.log"])
        subprocess.run([*git, project, "init", "--quiet"], check=True)
        subprocess.run([*git, project, "add", "--force", "tracked.log"], check=True)
    elif kind.startswith("ignored"):
        subprocess.run([*git, project.parent, "init", "--quiet"], check=True)
        (project.parent / ".gitignore").write_text("project\n")
    expected = {*PLAIN, ".gitignore", "media/.gitkeep", "build/out1.js"}
    assert travelling(project) == expected | ({"tracked.log"} if kind == "repository" else set())


def test_what_init_writes_stays_and_a_package_of_that_name_does_not(project):
    given = Given(environment="staging", domains=["shop.example.com"])
    written = [
        f"{files.FOLDER}/{one.path}"
        for one in files.files(plan(seen(project.parent / "seen", PROJECT), given, defaults()))
    ]
    own = ["deploy/__init__.py", "deploy/views.py", "deploy/templates/hosts.html", "shop/hosts.yml"]
    make(project, [*written, *own])
    assert travelling(project) == {*PLAIN, *own}
    ignore = Ignore(patterns())
    assert {path for path in (*written, *own) if not ignore.excludes(path)} == {*own}


def test_without_git_all_else_still_stays(project, monkeypatch):
    def missing(*_command, **_options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(copied, "run", missing)
    assert travelling(project) == {*PLAIN}


@pytest.mark.parametrize("subdir", ["", "backend"])
def test_what_the_dockerignore_excludes_stays(project, subdir):
    root = project / subdir
    make(root, ["docker/Dockerfile", "tests/a.py", "notes/keep.md", "notes/drop.md"])
    (root / ".dockerignore").write_text("tests\ndocker\n.dockerignore\nnotes/*\n!notes/keep.md\n")
    prefix = f"{subdir}/" if subdir else ""
    own = {prefix + name for name in ("docker/Dockerfile", "notes/keep.md", ".dockerignore")}
    assert travelling(project, subdir, "docker/Dockerfile") == {*PLAIN} | own
