# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Routes: what is refused before anything changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import routes

from tests.unit.sentences import only

VALUES = {
    "stack_domains": ["shop.example.com", "www.shop.example.com"],
    "stack_health_path": "/api/health/",
    "stack_processes": {
        "flower": "celery --app=shop flower",
        "daphne": {"command": "daphne shop.asgi:application"},
        "celery": "celery --app=shop worker",
        "celery-beat": "celery --app=shop beat",
    },
}
FLOWER = {"process": "flower", "port": 5555, "path": "/flower/"}
AT_HOME = {"process": "flower", "port": 5555, "domain": "flower.example.com"}


def problems(given: dict[Any, Any], **values: Any) -> list[str]:
    return list(routes.problems_of({**VALUES, "stack_routes": given, **values}))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"flower": FLOWER},
        {"flower": {**FLOWER, "passwords": {"ann": "secret"}}},
        {"flower": {**FLOWER, "port": "5555", "path": "/ops/~flower_1.2/"}},
        {"flower": AT_HOME, "www": {**AT_HOME, "domain": "www.shop.example.com"}},
        {"ws": {"process": "daphne", "port": 9001, "path": "/ws/"}, "inner": {**FLOWER, "path": "/ws/flower/"}},
    ],
)
def test_what_is_right_gets_no_word(given: dict[str, Any]) -> None:
    assert problems(given) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"My Flower": FLOWER}, "'My Flower' is not the name of a route"),
        ({"flower": "flower"}, "flower is not a dictionary of process, port"),
        ({"flower": {**FLOWER, "url": "/"}}, "flower is not a dictionary of process, port"),
        ({"flower": {**FLOWER, "process": "web"}}, "'web', is not in stack_processes"),
        ({"flower": {"port": 5555, "path": "/flower/"}}, "None, is not in stack_processes"),
        ({"flower": {**FLOWER, "process": "celery"}}, "celery, a Celery worker, which listens on no port"),
        ({"flower": {**FLOWER, "process": "celery-beat"}}, "celery-beat, a Celery beat, which listens on no port"),
        ({"flower": {**FLOWER, "port": 0}}, "the port of flower is 0"),
        ({"flower": {**FLOWER, "port": 65536}}, "the port of flower is 65536"),
        ({"flower": {**FLOWER, "port": True}}, "the port of flower is True"),
        ({"flower": {**FLOWER, "port": "http"}}, "the port of flower is 'http'"),
        ({"flower": {"process": "flower", "path": "/flower/"}}, "the port of flower is None"),
        ({"flower": {**FLOWER, **AT_HOME}}, "both a path and a domain"),
        ({"flower": {"process": "flower", "port": 5555}}, "neither a path nor a domain"),
        ({"flower": {**FLOWER, "path": "/"}}, "'/', is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/flower"}}, "'/flower', is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "flower/"}}, "'flower/', is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/a b/"}}, "'/a b/', is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/a; }/"}}, "is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/a//b/"}}, "is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/a/../b/"}}, "is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/.well-known/acme-challenge/"}}, "is not the path of a folder"),
        ({"flower": {**FLOWER, "path": "/api/"}}, "/api/, covers stack_health_path, /api/health/"),
        ({"flower": {**AT_HOME, "domain": "https://flower.example.com"}}, "is not a host name"),
        ({"flower": {**AT_HOME, "domain": "shop.example.com"}}, "the project itself is asked for its health"),
        ({"a": FLOWER, "b": {**FLOWER, "process": "daphne"}}, "a and b have the same path, /flower/"),
        ({"a": AT_HOME, "b": AT_HOME}, "a and b have the same domain, flower.example.com"),
        ({"flower": {**FLOWER, "passwords": "secret"}}, "flower: the passwords are not a dictionary"),
        ({"flower": {**FLOWER, "passwords": {"a b": "secret"}}}, "flower: 'a b' cannot be the name of a user"),
        ({"flower": {**FLOWER, "passwords": {"ann": ""}}}, "flower: the password of ann is empty"),
    ],
)
def test_what_is_wrong_is_named_without_a_password(given: dict[str, Any], sentence: str) -> None:
    found = only(problems(given))
    assert found.startswith("stack_routes: ")
    assert sentence in found
    assert "secret" not in found


def test_the_canonical_domain_is_for_the_project() -> None:
    given = {"flower": {**AT_HOME, "domain": "www.shop.example.com"}}
    assert "www.shop.example.com" in only(problems(given, nginx_site_canonical_domain="www.shop.example.com"))


def test_without_the_front_nobody_would_send_requests() -> None:
    assert "stack_nginx_root" in only(problems({"flower": FLOWER}, stack_nginx_root=""))
    assert problems({"flower": FLOWER}, stack_nginx_root="", stack_mode="development") == []
