# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is refused of a project's settings, and which variable or setting the message names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.profile import kept_logs
from ansible_collections.landfall.django.plugins.module_utils._project.refusals import (
    ACCEPTABLE,
    Problem,
    Stack,
    is_below,
    problems_of,
    refusal,
)

POSTGRESQL = {
    "engine": "django.db.backends.postgresql",
    "vendor": "postgresql",
    "problem": "",
    "host": "db",
    "port": "",
    "name": "shop",
    "options": [],
}
SQLITE = {
    **POSTGRESQL,
    "engine": "django.db.backends.sqlite3",
    "vendor": "sqlite",
    "host": "",
    "name": "/app/db.sqlite3",
}
GOOD = {
    "manage": "manage.py",
    "debug": False,
    "debug_value": "False",
    "allowed_hosts": ["shop.example.com"],
    "refused_hosts": [],
    "refused_origins": [],
    "secure": True,
    "proxy_header": None,
    "ssl_redirect": False,
    "collects": True,
    "static_root": "/app/staticfiles",
    "static_url": "/static/",
    "static_elsewhere": False,
    "static_location": "/static/",
    "media_url": "/media/",
    "media_elsewhere": False,
    "media_location": "/media/",
    "static_folders": [],
    "media_root": "/app/media",
    "database": POSTGRESQL,
    "redis": {"caches": {"CACHES default": ["redis", 6379, 1]}, "queues": {"CELERY_BROKER_URL": ["redis", 6379, 0]}},
    "logs": [{"handler": "file", "path": "/app/logs/a.log", "writable": True}],
    "private": {"DATABASES default": "/app/data/db.sqlite3", "the settings module": "/app/shop/settings.py"},
}
STACK = Stack(engine="postgresql", database_hosts=("db",), static_path="/app/staticfiles", media_path="/app/media")
NO_SERVER = Stack(kept=("/var/lib/django",))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"static_location": "/"}, "STATIC_URL"),
        ({"media_location": "/"}, "MEDIA_URL"),
        ({"media_location": "/a b/"}, "MEDIA_URL"),
        ({"media_location": "/a/../b/"}, "MEDIA_URL"),
        ({"static_location": "/.well-known/"}, "STATIC_URL"),
        ({"static_location": "/up/"}, "STATIC_URL"),
        ({"media_location": "/static/"}, "MEDIA_URL"),
    ],
)
def test_urls_of_files_that_would_hide_pages(changed, named):
    (problem,) = problems_of({**GOOD, **changed}, replace(STACK, health_path="/up/now"))
    assert (problem.kind, named in problem.text) == ("urls", True)
    assert problem.kind not in ACCEPTABLE


@pytest.mark.parametrize(
    ("path", "named"), [("/static/", "STATIC_URL"), ("/media/a/", "MEDIA_URL"), ("/up/", "health page")]
)
def test_a_route_that_covers_what_the_site_serves(path, named):
    stack = replace(STACK, health_path="/up/now", routes=("/ws/", path))
    (problem,) = problems_of(GOOD, stack)
    assert (problem.kind, problem.text.startswith("stack_routes: "), named in problem.text) == ("urls", True, True)
    assert problems_of(GOOD, replace(stack, routes=("/ws/",))) == []


def test_urls_at_which_nothing_is_served_are_good():
    answer = {**GOOD, "static_location": "/", "media_location": "/"}
    assert problems_of(answer, Stack(engine="postgresql", database_hosts=("db",), collects=False)) == []


def test_good_settings_are_good():
    assert problems_of(GOOD, STACK) == []


def named(problems):
    return [problem.kind for problem in problems]


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"debug": True, "debug_value": "True"}, "debug", ["DEBUG = ", "stack_environment"]),
        ({"debug": True, "debug_value": "'False'"}, "debug", ["'False'", "DEBUG = "]),
        ({"manage": "src/manage.py"}, "manage", ["stack_manage_command", "python3 src/manage.py"]),
        ({"manage": ""}, "manage", ["stack_manage_command"]),
        ({"refused_hosts": ["shop.example.com"]}, "hosts", ["ALLOWED_HOSTS = ", "stack_domains", "shop.example.com"]),
        ({"refused_hosts": ["*.example.com"]}, "hosts", ["writes *.example.com as .example.com"]),
        ({"secure": False, "refused_origins": ["shop.example.com"]}, "https", ["SECURE_PROXY_SSL_HEADER = "]),
        ({"secure": False, "ssl_redirect": True}, "https", ["SECURE_PROXY_SSL_HEADER = ", "circle"]),
        ({"refused_origins": ["shop.example.com"]}, "https", ["CSRF_TRUSTED_ORIGINS = "]),
        (
            {"refused_origins": ["shop.example.com"], "unset": ["A_ORIGINS", "B"]},
            "https",
            ["set A_ORIGINS in stack_environment"],
        ),
        (
            {"refused_hosts": ["shop.example.com"], "unset": ["SHOP_DOMAIN", "DB_HOST"]},
            "hosts",
            ["set SHOP_DOMAIN in stack_environment"],
        ),
        (
            {"redis": {"caches": {"CACHES x": ["redis", 6379, 0]}, "queues": {"HUEY": ["redis", 6379, 0]}}},
            "redis",
            ["CACHES x", "HUEY", "CACHE_URL"],
        ),
        (
            {"logs": [{"handler": "file", "path": "/app/logs/a.log", "writable": False}]},
            "logs",
            ["/app/logs/a.log", '"file": {"class": "logging.StreamHandler"}', "stack_volumes: {logs: /app/logs}"],
        ),
        ({"static_root": ""}, "static", ["STATIC_ROOT = ", "stack_collectstatic"]),
        ({"private": {"DATABASES x": "/app/media/db"}}, "private", ["DATABASES x", "/app/media/db", "MEDIA_ROOT"]),
        ({"private": {"LOGGING x": "/app/staticfiles/a.log"}}, "private", ["LOGGING x", "STATIC_ROOT"]),
        ({"static_folders": ["/app/shop"]}, "private", ["the settings module", "STATICFILES_DIRS"]),
    ],
)
def test_what_cannot_work_is_named_with_its_cure(changed, kind, words):
    problems = problems_of({**GOOD, **changed}, STACK)
    assert named(problems) == [kind]
    assert all(word in problems[0].text for word in words), problems[0].text


@pytest.mark.parametrize(
    ("found", "stack", "words"),
    [
        ({}, STACK, []),
        ({"host": "localhost"}, STACK, ["localhost", "HOST", "stack_environment"]),
        ({"host": ""}, STACK, ["HOST"]),
        ({"host": "", "options": ["service"]}, STACK, []),
        ({"host": "pgbouncer"}, Stack(engine="postgresql", database_hosts=("db", "pgbouncer")), []),
        ({"vendor": "mysql"}, STACK, ["mysql", "stack_database", "DATABASE_URL"]),
        ({"vendor": "mysql"}, Stack(engine="mariadb", database_hosts=("db",)), []),
        ({"vendor": "microsoft"}, STACK, []),
        ({"vendor": ""}, STACK, []),
        ({"vendor": "unknown"}, STACK, []),
        ({"problem": "Error loading psycopg"}, STACK, ["psycopg", "dependencies"]),
        (SQLITE, STACK, ["SQLite", "stack_database: none", "DATABASE_URL"]),
        (SQLITE, NO_SERVER, ["/app/db.sqlite3", "/var/lib/django"]),
        ({**SQLITE, "name": "/app/kept/db.sqlite3"}, NO_SERVER, ["stack_volumes: {files: /app/kept}"]),
        ({"problem": "Could not find the GDAL library (tried)"}, STACK, ["stack_packages", "gdal-bin"]),
        ({**SQLITE, "name": "/var/lib/django/db.sqlite3"}, NO_SERVER, []),
        ({**SQLITE, "name": ""}, NO_SERVER, []),
        ({}, NO_SERVER, ["stack_database", "postgresql"]),
        ({"vendor": "unknown"}, NO_SERVER, []),
    ],
)
def test_the_database_is_the_one_of_the_stack(found, stack, words):
    problems = problems_of({**GOOD, "database": {**POSTGRESQL, **found}}, stack)
    assert named(problems) == (["database"] if words else [])
    assert all(word in problems[0].text for word in words), problems[0].text


def test_the_variables_that_the_settings_read_of_the_database_are_named_with_their_values():
    unset = ["COLOUR", "DB", "DB_HOST", "MYSQL_DATABASE", "MYSQL_USER", "PGHOST", "SHOP_DB_PASS"]
    (problem,) = problems_of({**GOOD, "database": {**POSTGRESQL, "host": ""}, "unset": unset}, STACK)
    assert (
        "set DB, DB_HOST to stack_database_host, MYSQL_DATABASE to stack_database_name, MYSQL_USER to"
        " stack_database_user, PGHOST to stack_database_host, SHOP_DB_PASS to stack_database_password in"
    ) in problem.text
    (problem,) = problems_of({**GOOD, "database": SQLITE, "unset": ["DB_ENGINE"]}, STACK)
    assert "set DB_ENGINE in stack_environment" in problem.text


@pytest.mark.parametrize(
    ("path", "root", "kinds"),
    [
        ("/code/media", "/code/media", []),
        ("/code", "/code/media", []),
        ("/app/media", "/code/media", ["media"]),
        ("", "/code/media", []),
        ("/app/media", "", []),
        # Nginx serves the folder that is mounted, whatever the settings say.
        ("/app/data", "/app/data/media", ["private"]),
        ("", "/app/data", []),
    ],
)
def test_uploads_are_kept_and_nothing_else_is_published(path, root, kinds):
    stack = Stack(engine="postgresql", database_hosts=("db",), media_path=path)
    assert named(problems_of({**GOOD, "media_root": root}, stack)) == kinds


def test_a_project_whose_static_files_are_not_collected_needs_no_folder():
    stack = Stack(engine="postgresql", database_hosts=("db",), collects=False)
    assert problems_of({**GOOD, "static_root": "", "static_folders": ["/app"]}, stack) == []
    assert problems_of({**GOOD, "static_root": "", "collects": False}, STACK) == []


def test_what_is_accepted_is_not_refused():
    problems = [Problem("redis", "one"), Problem("debug", "two")]
    assert refusal(problems[:1], ["redis"]) == ""
    said = refusal(problems, [])
    assert all(word in said for word in ("one", "two", "stack_accepted: [redis]"))
    # DEBUG is what nobody can accept.
    assert "stack_accepted" not in refusal(problems, ["redis"])
    assert "debug" not in ACCEPTABLE


@pytest.mark.parametrize(
    ("path", "folder", "below"),
    [
        ("/app/data/x", "/app/data", True),
        ("/app/data", "/app/data/", True),
        ("/app/database", "/app/data", False),
        ("/app", "/app/data", False),
        ("", "/app", False),
        ("/app", "", False),
    ],
)
def test_what_is_below_a_folder(path, folder, below):
    assert is_below(path, folder) == below


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/app/logs/a.log", "/app/logs"),
        ("/var/log/shop/a.log", "/var/log/shop"),
        ("/app/logs", "/app/logs"),
        ("/app/debug.log", "/app/logs"),
        ("/app/blog/debug.log", "/app/blog/logs"),
    ],
)
def test_a_folder_for_logs_hides_no_file_of_the_project(path: str, folder: str) -> None:
    assert kept_logs(path) == f"stack_volumes: {{logs: {folder}}}"
