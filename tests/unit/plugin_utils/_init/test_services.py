# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Database, Redis, Celery and git."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plugin_utils._init.projects import PLAIN, SPLIT, seen

SETTINGS = PLAIN["harbour/settings.py"]


@pytest.mark.parametrize(
    ("databases", "requirements", "kinds"),
    [
        ("{'default': {'ENGINE': 'django.db.backends.mysql'}}", "psycopg", ["mysql"]),
        ("{'default': {'ENGINE': 'django.contrib.gis.db.backends.postgis'}}", "", ["postgresql"]),
        ("{'default': env.db()}", "mysqlclient", ["mysql"]),
        ("{'default': env.db(default='sqlite:///x')}", "psycopg2-binary", ["postgresql"]),
        ("{'default': env.db(default='sqlite:///x')}", "", ["none"]),
        ("{'default': dj_database_url.config(default='postgres://x')}", "", ["postgresql"]),
        ("{'default': env.db()}", "psycopg\nmysqlclient", ["mysql", "postgresql"]),
        ("{'default': env.db()}", "", []),
        ("load()", "", []),
    ],
)
def test_database(tmp_path: Path, databases: str, requirements: str, kinds: list[str]) -> None:
    files = {**PLAIN, "requirements.txt": requirements, "harbour/settings.py": f"{SETTINGS}\nDATABASES = {databases}\n"}
    assert sorted(kind.value for kind in seen(tmp_path, files).databases) == kinds


SERVER = "{'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.getenv('DB_HOST')}}"
FILE = "{'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}"


@pytest.mark.parametrize(
    ("test", "kinds"),
    [
        ("os.getenv('DB') == 'postgres'", ["none", "postgresql"]),
        ("condition()", ["none", "postgresql"]),
        # The stack sets it, since the settings read it as the host.
        ("os.getenv('DB_HOST')", ["postgresql"]),
        ("'test' not in sys.argv", ["none"]),
    ],
)
def test_a_choice_of_databases(tmp_path: Path, test: str, kinds: list[str]) -> None:
    text = f"{SETTINGS}\nif {test}:\n    DATABASES = {SERVER}\nelse:\n    DATABASES = {FILE}\n"
    found = seen(tmp_path, {**PLAIN, "harbour/settings.py": text}).databases
    assert sorted(kind.value for kind in found) == kinds


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("harbour/celery.py", "app = Celery('harbour')", "harbour"),
        ("harbour/jobs.py", "queue = celery.Celery('harbour')", "harbour.jobs:queue"),
        ("tests/celery.py", "app = Celery('tests')", None),
        ("harbour/celery.py", "# app = Celery('harbour')", None),
    ],
)
def test_celery(tmp_path: Path, file: str, text: str, expected: str | None) -> None:
    celery = seen(tmp_path, {**PLAIN, file: text}).celery
    assert (celery and (celery.value, celery.where)) == (expected and (expected, f"{file}:1"))


def test_the_schedule_and_redis(tmp_path: Path) -> None:
    project = seen(tmp_path, SPLIT)
    assert project.schedule
    assert project.schedule.where == "backend/config/celery.py:3"
    assert project.redis
    assert project.redis.where == "backend/config/settings/production.py:7"


def test_the_remote_without_its_token(tmp_path: Path) -> None:
    remote = "https://ann:t0ken@git.example.com/h.git"
    config = f'[remote "fork"]\n\turl = https://x.example.com/f\n[remote "origin"]\n\turl = {remote}\n'
    project = seen(tmp_path, {**PLAIN, ".git/config": config, ".git/HEAD": "ref: refs/heads/main\n"})
    assert project.remote
    assert (project.remote.value, project.remote.where) == ("https://git.example.com/h.git", ".git/config:4")
    assert project.branch
    assert project.branch.value == "main"


@pytest.mark.parametrize("url", ["/srv/git/harbour.git", "https://git.example.com/{{lookup('pipe','id')}}.git"])
def test_a_remote_that_nobody_else_can_use(tmp_path: Path, url: str) -> None:
    assert seen(tmp_path, {**PLAIN, ".git/config": f'[remote "origin"]\n url = {url}\n'}).remote is None
