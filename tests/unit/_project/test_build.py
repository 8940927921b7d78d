# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._project import build, node

FILES = {"manage.py": "", "requirements.txt": "django\n"}


def plan(files, **wanted):
    return build.plan(build.Wanted(**wanted), files, files.get)


@pytest.mark.parametrize(
    ("command", "subdir", "paths", "folder"),
    [
        ("python3 manage.py", "", ["manage.py", "example/manage.py"], ""),
        ("python3 manage.py", "", ["src/manage.py"], "src"),
        ("python3 manage.py", "", ["backend/manage.py", "docs/demo/manage.py"], "backend"),
        ("python3 manage.py", "apps/web", ["apps/web/manage.py", "apps/other/manage.py"], "apps/web"),
        ("python3 manage.py", "apps", ["apps/web/manage.py", "manage.py"], "apps/web"),
        ("python3 src/manage.py", "", ["src/manage.py"], ""),
        ("django-admin", "", ["src/manage.py"], ""),
        ("", "", ["src/manage.py"], ""),
        ("python3 manage.py", "", [], ""),
    ],
)
def test_the_working_directory(command, subdir, paths, folder):
    assert build.working_directory(command, subdir, paths) == folder


def test_several_projects_are_refused():
    with pytest.raises(ValueError, match=r"^stack_project_subdir.*one, two"):
        build.working_directory("python3 manage.py", "", ["two/manage.py", "one/manage.py", "one/deep/er/manage.py"])


def test_a_sub_folder_demands_its_python():
    files = {"backend/manage.py": "", "backend/requirements.txt": "django", "backend/.python-version": "3.12"}
    assert plan(files).python_image == "python:3.12-slim"


@pytest.mark.parametrize(
    ("requirements", "engine", "added"),
    [
        ("django", "mysql", ["mysqlclient", "gunicorn"]),
        ("django\nPyMySQL\ngunicorn[gevent]", "mariadb", []),
        ("psycopg[binary]\ngunicorn", "postgresql", []),
        ("django\ngunicorn", "postgresql", ["psycopg2"]),
        ("django\ngunicorn", "", []),
    ],
)
def test_what_is_added(requirements, engine, added):
    drivers = by_name(engine).drivers if engine else ()
    found = plan({**FILES, "requirements.txt": requirements}, drivers=drivers, web_command="gunicorn shop.wsgi")
    assert found.added == added


@pytest.mark.parametrize("name", ["pyproject.toml", "Pipfile"])
def test_a_file_that_is_not_toml_is_named(name):
    with pytest.raises(ValueError, match=name):
        plan({**FILES, name: "= ="})


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["locale/de/LC_MESSAGES/django.po", "shop/locale/fr/LC_MESSAGES/djangojs.po"], ["locale", "shop/locale"]),
        (["locale/de/LC_MESSAGES/django.po", "locale/de/LC_MESSAGES/django.mo"], []),
        (["notes.po", "LC_MESSAGES/django.po"], []),
    ],
)
def test_translations_that_are_not_compiled(paths, folders):
    assert build.untranslated(paths) == folders


@pytest.mark.parametrize(
    ("names", "package", "commands"),
    [
        (["package-lock.json"], '{"scripts": {"build": "vite build"}}', ("npm ci", "npm run build")),
        (
            ["yarn.lock"],
            '{"scripts": {"build": "x"}}',
            ("npx --yes yarn@1 install --frozen-lockfile", "npx --yes yarn@1 run build"),
        ),
        (
            ["pnpm-lock.yaml"],
            '{"scripts": {"build": "x"}, "packageManager": "pnpm@9.1.0+sha512.ab"}',
            ("npx --yes pnpm@9.1.0 install --frozen-lockfile", "npx --yes pnpm@9.1.0 run build"),
        ),
        (
            ["yarn.lock"],
            '{"scripts": {"build": "x"}, "packageManager": "yarn@4.5.0"}',
            ("npx --yes @yarnpkg/cli-dist@4.5.0 install --immutable", "npx --yes @yarnpkg/cli-dist@4.5.0 run build"),
        ),
        ([], '{"scripts": {"build": "x"}}', None),
        (["package-lock.json"], '{"scripts": {"lint": "x"}}', None),
        (["package-lock.json"], "[]", None),
        (["package-lock.json"], "not JSON", None),
    ],
)
def test_a_front_end(names, package, commands):
    files = {"web/package.json": package, **{f"web/{name}": "" for name in names}}
    found = node.front_ends(files, files.get)
    assert [(one.folder, (one.install, one.build)) for one in found] == ([("web", commands)] if commands else [])


def test_the_version_of_a_package_manager_runs_no_command():
    package = '{"scripts": {"build": "x"}, "packageManager": "pnpm@9;reboot"}'
    (found,) = node.front_ends({"package.json", "pnpm-lock.yaml"}, {"package.json": package}.get)
    assert "'pnpm@9;reboot'" in found.install
