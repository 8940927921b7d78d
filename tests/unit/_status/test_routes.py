# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of routes, and those that nobody answers."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._front import visitor
from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route
from ansible_collections.landfall.django.plugins.module_utils._release.record import SERVING, Record
from ansible_collections.landfall.django.plugins.module_utils._status import look, routes

from tests.unit.sentences import only

FLOWER = {"name": "flower", "process": "flower", "port": 5555, "domain": "flower.example.com"}
ROUTES = [Route(**FLOWER), Route("chat", "daphne", 9001, path="/ws/")]


def test_each_route_is_asked_at_its_own_place() -> None:
    asked = []

    def ask(host: str, path: str) -> int:
        asked.append((host, path))
        return 200

    found = routes.rows(ROUTES, "shop.example.com", ask)
    assert asked == [("flower.example.com", "/"), ("shop.example.com", "/ws/")]
    assert [row["url"] for row in found] == ["https://flower.example.com/", "https://shop.example.com/ws/"]
    assert routes.problems(found) == []


@pytest.mark.parametrize(("status", "is_one"), [(502, True), (504, True), (None, True), (401, False), (404, False)])
def test_one_that_nobody_answers_is_a_problem(status: int | None, is_one: bool) -> None:
    def ask(_host: str, _path: str) -> int:
        if status is None:
            raise OSError
        return status

    found = routes.problems(routes.rows(ROUTES[:1], "shop.example.com", ask))
    assert only(found).startswith("route flower: ") if is_one else found == [], found


def test_the_status_asks_what_the_serving_release_has(monkeypatch: pytest.MonkeyPatch) -> None:
    site = {"project_src": "/srv/shop", "project_name": "shop", "image": "shop:1", "image_id": "1", "routes": [FLOWER]}
    monkeypatch.setattr(visitor, "request", lambda port, _host, _path: {8443: 502}[port])
    records: list[Record] = []
    monkeypatch.setattr(look.Stack, "records", lambda _stack: records)
    stack = look.Stack("shop", "/srv/shop", domain="shop.example.com", https_port=8443)
    assert look.check_routes(stack) == look.Found()
    records.append(Record(1, state=SERVING, site=site))
    found = look.check_routes(stack)
    assert [row["url"] for row in found.rows] == ["https://flower.example.com/"]
    assert len(found.problems) == 1
