# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WSGI and ASGI, Dockerfiles, and the health page."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils._init import web
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree

from tests.unit.plugin_utils._init.projects import PLAIN, SPLIT, WSGI, make, seen


def test_the_application_of_the_settings_or_of_the_file(tmp_path: Path) -> None:
    own, by_file = seen(tmp_path / "a", PLAIN).wsgi, seen(tmp_path / "b", SPLIT).wsgi
    assert own
    assert by_file
    assert (own.value, own.where) == ("harbour.wsgi:application", "harbour/settings.py:8")
    assert (by_file.value, by_file.where) == ("config.wsgi:application", "backend/config/wsgi.py:4")


def test_of_the_last_stage_of_a_dockerfile_and_what_it_is_based_on(tmp_path: Path) -> None:
    text = (
        "FROM node AS assets\nWORKDIR /assets\nCMD npm start\n"
        "FROM python:3.13 AS base\nENV PYTHONUNBUFFERED=1 \\\n    DJANGO_SETTINGS_MODULE=shop.live\nWORKDIR /code\n"
        '# CMD nothing\nFROM base\nWORKDIR src\nEXPOSE 9000/tcp\nCMD ["uwsgi", "--ini", "x"]\n'
    )
    found = web.dockerfile(Tree(str(make(tmp_path, {"Dockerfile": text}))), "Dockerfile")
    assert found
    assert found.workdir == "/code/src"
    assert [fact and (fact.value, fact.where) for fact in (found.port, found.command, found.settings)] == [
        (9000, "Dockerfile:11"),
        ("uwsgi --ini x", "Dockerfile:12"),
        ("shop.live", "Dockerfile:5"),
    ]


@pytest.mark.parametrize(
    ("instructions", "place"),
    [
        ("WORKDIR /code\nCOPY . .", "/code/src"),
        ("WORKDIR /code\nCOPY --chown=1:1 . .\nWORKDIR /code/src", "/code/src"),
        ("COPY ./src /srv/app/\nWORKDIR /srv/app", "/srv/app"),
        ('ADD ["src/", "/srv"]', "/srv"),
        ("WORKDIR /code\nCOPY --from=build /x /y\nCOPY requirements.txt .", "/code/src"),
    ],
)
def test_where_a_folder_is_in_the_image(tmp_path: Path, instructions: str, place: str) -> None:
    text = f"FROM python AS build\nCOPY . /elsewhere\nFROM python\n{instructions}\n"
    found = web.dockerfile(Tree(str(make(tmp_path, {"Dockerfile": text}))), "Dockerfile")
    assert found
    assert found.place_of("src") == place


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ('urlpatterns = [path("health/", view)]', "/health/"),
        ('urlpatterns = [re_path(r"^healthz$", view)]', "/healthz"),
        ('urlpatterns = [path("ht/", include("health_check.urls"))]', "/ht/"),
        ('urlpatterns = [path("<slug:x>/health/", view), path("wealth/", view)]', None),
        ('urlpatterns = [path(f"{prefix}health/", view)]', None),
    ],
)
def test_health(tmp_path: Path, urls: str, expected: str | None) -> None:
    health = seen(tmp_path, {**PLAIN, "harbour/urls.py": urls}).health
    assert (health and health.value) == expected


def test_health_in_an_included_module(tmp_path: Path) -> None:
    health = seen(tmp_path, SPLIT).health
    assert health
    assert (health.value, health.where) == ("/api/healthz", "backend/berths/urls.py:1")


def test_urls_that_include_each_other_end(tmp_path: Path) -> None:
    urls = 'urlpatterns = [path("a/", include("harbour.urls")), path("health/", view)]'
    assert seen(tmp_path, {**PLAIN, "harbour/urls.py": urls}).health


def test_dockerfiles_at_other_places(tmp_path: Path) -> None:
    files = {"docker/web.Dockerfile": "CMD gunicorn", "docker/Dockerfile": "FROM postgres", "x/wsgi.py": WSGI}
    assert web.dockerfiles_elsewhere(Tree(str(make(tmp_path, files))), "") == ["docker/web.Dockerfile"]
