# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a project becomes a variable, what a question, and what the project is to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.action.init import defaults
from ansible_collections.landfall.django.plugins.plugin_utils._init.values import Entry, Given, Plan, plan, stack_name

from tests.unit.plugin_utils._init.projects import PLAIN, SPLIT, seen


def planned(folder: Path, files: dict[str, str], **given: Any) -> Plan:
    environment = given.get("environment", "production")
    return plan(seen(folder, files, environment), Given(**given), defaults())


def entries(made: Plan) -> dict[str, Entry]:
    return {entry.name: entry for _title, section in made.sections for entry in section}


def settled(made: Plan) -> dict[str, Any]:
    return {name: entry.value for name, entry in entries(made).items() if not entry.is_open}


def test_a_plain_project(tmp_path: Path) -> None:
    made = planned(tmp_path / "harbour", PLAIN)
    values = settled(made)
    assert values["stack_name"] == "harbour"
    assert values["stack_wsgi_application"] == "harbour.wsgi:application"
    assert values["stack_database"] == "none"
    assert (values["stack_redis"], values["stack_collectstatic"]) == (False, False)
    # It has its default, or nobody can tell.
    assert not {"stack_celery_app", "stack_manage_command", "stack_media_path"} & set(values)
    assert made.needed == ["stack_domains"]
    # The release asks the project itself.
    assert not {"stack_static_path", "stack_media_path", "stack_health_path"} & set(entries(made))
    wrong = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SQLite", "STATIC_ROOT")
    assert len(made.remarks) == len(wrong)
    assert all(name in remark for name, remark in zip(wrong, made.remarks, strict=True))


def test_a_split_project_in_a_folder(tmp_path: Path) -> None:
    made = planned(tmp_path / "port", SPLIT, domains=["port.example.com"])
    values = settled(made)
    assert values["stack_project_dir"].endswith("/backend")
    assert values["stack_celery_app"] == "config"
    assert values["stack_database"] == "postgresql"
    assert not {"stack_static_path", "stack_media_path", "stack_collectstatic"} & set(values)
    # None of those that a release tries.
    assert values["stack_health_path"] == "/api/healthz"
    assert made.needed == ["MAIL_PASSWORD", "SITE_TITLE"]
    assert made.remarks == []


def test_each_value_says_where_it_comes_from(tmp_path: Path) -> None:
    made = planned(tmp_path, SPLIT)
    assert entries(made)["stack_health_path"].comment == "backend/berths/urls.py:1"


def test_variables_whose_meaning_the_settings_tell(tmp_path: Path) -> None:
    made = planned(tmp_path, SPLIT)
    found = {setting.name: setting for setting in made.environment}
    assert found["DJANGO_SETTINGS_MODULE"].value == "config.settings.production"
    assert found["HOSTS"].value == "{{ stack_domains | join(' ') }}"
    assert found["PGHOST"].value == "{{ stack_database_host }}"
    for name, value in (
        ("DJANGO_SECRET_KEY", "secret_key"),
        ("PGPASSWORD", "database_password"),
        ("BROKER", "redis_url"),
    ):
        assert (found[name].value, found[name].is_secret) == (f"{{{{ stack_{value} }}}}", True)
    # The cache's database is not the queue's.
    assert "/1" in found["CACHE"].value
    assert (found["MAIL_PASSWORD"].is_secret, found["MAIL_PASSWORD"].is_open) == (True, True)
    assert (found["SITE_TITLE"].is_secret, found["SITE_TITLE"].is_open) == (False, True)
    assert not {"PAGE_SIZE", "SENTRY_DSN", "SENTRY_ENVIRONMENT", "DEBUG"} & set(found)


def test_manage_in_a_folder_below_the_lock(tmp_path: Path) -> None:
    files = {f"src/{name}": text for name, text in PLAIN.items()} | {"requirements.txt": "django\n"}
    del files["src/requirements.txt"]
    made = planned(tmp_path, files)
    assert settled(made)["stack_manage_command"] == "python3 src/manage.py"
    assert {setting.name: setting.value for setting in made.environment} == {"PYTHONPATH": "/app/src"}


@pytest.mark.parametrize(
    ("more", "values"),
    [
        (
            {"Dockerfile": 'FROM python\nWORKDIR /code\nEXPOSE 9000\nCMD ["uwsgi"]\n'},
            {"stack_web_command": "", "stack_port": 9000},
        ),
        ({"Dockerfile": "FROM python\nCMD uwsgi\n", "requirements.txt": "gunicorn"}, {"stack_web_command": None}),
        ({"Dockerfile": "FROM python\nCMD python manage.py runserver\n"}, {"stack_web_command": None}),
        # An asgi.py alone is what startproject makes.
        ({"harbour/asgi.py": "application = 1", "requirements.txt": "uvicorn"}, {"stack_web_command": None}),
        (
            {
                "harbour/settings.py": PLAIN["harbour/settings.py"] + "ASGI_APPLICATION = 'harbour.asgi.application'",
                "requirements.txt": "daphne",
            },
            {"stack_web_command": "daphne --bind=0.0.0.0 --port={{ stack_port }} harbour.asgi:application"},
        ),
    ],
)
def test_the_web_command(tmp_path: Path, more: dict[str, str], values: dict[str, Any]) -> None:
    found = settled(planned(tmp_path, {**PLAIN, **more}))
    assert {name: found.get(name) for name in values} == values


def test_what_nothing_tells_is_a_question(tmp_path: Path) -> None:
    settings = "from .missing import *\nDATABASES = load()\n"
    made = planned(tmp_path, {"manage.py": PLAIN["manage.py"], "harbour/settings.py": settings})
    assert {"stack_domains", "stack_wsgi_application", "stack_database"} == set(made.needed)
    assert any("requirements.txt" in remark for remark in made.remarks)


def test_a_static_root_that_cannot_be_evaluated_is_one(tmp_path: Path) -> None:
    text = PLAIN["harbour/settings.py"] + "STATIC_ROOT = folder()\n"
    found = entries(planned(tmp_path, {**PLAIN, "harbour/settings.py": text}))
    assert "stack_collectstatic" not in found


def test_a_health_page_that_a_release_finds_is_not_written(tmp_path: Path) -> None:
    urls = {"harbour/urls.py": 'urlpatterns = [path("health/", view)]'}
    assert "stack_health_path" not in entries(planned(tmp_path, {**PLAIN, **urls}))


def test_a_choice_of_databases_is_a_question_with_its_variable(tmp_path: Path) -> None:
    server = "DATABASES = {'default': {'ENGINE': 'mysql', 'HOST': os.getenv('DB_HOST')}}"
    choice = f"if os.getenv('DB') == 'file':\n    pass\nelse:\n    {server}\n"
    made = planned(tmp_path, {**PLAIN, "harbour/settings.py": PLAIN["harbour/settings.py"] + choice})
    assert {"stack_database", "DB"} <= set(made.needed)
    assert entries(made)["stack_database"].value == "mysql"
    assert {one.name: one.is_open for one in made.environment} == {"DB_HOST": False, "DB": True}


@pytest.mark.parametrize(
    ("setting", "environment"),
    [
        ("ALLOWED_HOSTS = [os.environ['NAME']]", {"NAME": "{{ stack_domains | first }}"}),
        (
            "ALLOWED_HOSTS = os.environ['ALLOWED_HOSTS'].split(' ')",
            {"ALLOWED_HOSTS": "{{ stack_domains | join(' ') }}"},
        ),
        ("ALLOWED_HOSTS = os.environ['ALLOWED_HOSTS'].split(',')", {}),
        ("if os.getenv('TLS_URL'):\n    REDIS_URL = os.getenv('TLS_URL')", {}),
        ("SECRET_KEY = os.environ['SECRET_KEY']", {}),
    ],
)
def test_what_the_stack_sets_already_is_not_repeated(tmp_path: Path, setting: str, environment: dict[str, str]) -> None:
    made = planned(tmp_path, {**PLAIN, "harbour/settings.py": f"{PLAIN['harbour/settings.py']}\n{setting}\n"})
    assert {one.name: one.value for one in made.environment} == environment


def test_an_image_that_begins_in_the_folder_of_manage(tmp_path: Path) -> None:
    files = {f"src/{name}": text for name, text in PLAIN.items()}
    files["Dockerfile"] = "FROM python\nWORKDIR /code\nCOPY . .\nWORKDIR /code/src\nCMD gunicorn\n"
    made = planned(tmp_path, files)
    assert "stack_manage_command" not in entries(made)
    assert made.environment == []


def test_pushed_or_local(tmp_path: Path) -> None:
    remote = '[remote "origin"]\n\turl = https://git.example.com/h.git\n'
    found = entries(planned(tmp_path, {**PLAIN, ".git/config": remote}))
    assert not found["stack_project_dir"].is_open
    assert found["stack_git_repository"].is_open


@pytest.mark.parametrize(
    ("folder", "given", "name"),
    [
        ("My Shop_2", {}, "my-shop-2"),
        ("shop", {"environment": "staging"}, "shop-staging"),
        ("42", {}, "site-42"),
        ("nginx", {}, "nginx-site"),
        ("a" * 60, {"environment": "staging"}, "a" * 32 + "-staging"),
        ("shop", {"environment": "staging", "name": "other"}, "other"),
        ("ß", {}, "site"),
    ],
)
def test_the_name(tmp_path: Path, folder: str, given: dict[str, str], name: str) -> None:
    assert stack_name(seen(tmp_path / folder, PLAIN), Given(**given)) == name
