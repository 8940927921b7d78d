# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A process that Nginx sends requests to is replaced like web, and what Nginx knows of it belongs to the release.

What can go wrong on the way is in test_faults.py.
"""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

from tests.unit._release.conftest import FLOWER, ROUTED

UPSTREAM = "upstream shop.flower {"


def written(stack):
    return [(stack.front / f"upstreams/shop.{kind}").read_text() for kind in ("conf", "locations")]


def routed(*routes):
    return {**ROUTED, "options": {**ROUTED["options"], "routes": routes}}


def test_the_new_one_starts_beside_the_old_one_and_takes_its_requests(stack):
    stack.deploy("shop:1", **ROUTED)
    stack.world.commands.clear()
    stack.deploy("shop:2", **ROUTED)
    said = stack.world.commands
    reload = next(number for number, words in enumerate(said) if "-s reload" in words)
    (begin,) = [number for number, words in enumerate(said) if words.startswith("start") and "flower-2" in words]
    (end,) = [number for number, words in enumerate(said) if words.startswith("stop") and "flower-1" in words]
    assert begin < reload < end
    assert "shop-flower-1" not in stack.present
    upstreams, locations = written(stack)
    assert "server shop-flower-2:5555 " in upstreams.partition(UPSTREAM)[2]
    assert "location /flower/ {" in locations
    assert stack.named == {"shop-web-2", "shop-flower-2"}


def test_one_that_does_not_listen_fails_the_release(stack):
    stack.deploy("shop:1", **ROUTED)
    before = (written(stack), stack.running)
    with pytest.raises(ReleaseError, match="shop-flower-2 was not healthy"):
        stack.deploy("shop:2", deaf=True, **ROUTED)
    assert (written(stack), stack.running) == before


def test_a_kept_one_has_to_listen_too(stack):
    stack.deploy("shop:1", **ROUTED)
    stack.world.images["shop:1"]["deaf"] = True
    with pytest.raises(ReleaseError, match="shop-flower-1 was not healthy"):
        stack.deploy("shop:1", **routed({**FLOWER, "path": "/other/"}))


def test_another_path_is_a_release_that_keeps_the_containers(stack):
    stack.deploy("shop:1", **ROUTED)
    before = stack.running
    assert stack.deploy("shop:1", **ROUTED) is None
    assert stack.deploy("shop:1", **routed({**FLOWER, "path": "/other/"})) is not None
    assert "location /other/" in written(stack)[1]
    assert stack.running == before


def test_a_way_back_brings_the_routes_of_the_former_release(stack):
    stack.deploy("shop:1", **ROUTED)
    before = written(stack)[1]
    stack.deploy("shop:2", **routed({**FLOWER, "path": "", "domain": "flower.example.com"}))
    upstreams, locations = written(stack)
    assert "server_name flower.example.com;" in upstreams
    assert "flower" not in locations
    stack.roll_back(1)
    assert written(stack)[1] == before
    assert "flower.example.com" not in written(stack)[0]
    assert stack.served_by == {"shop:1"}


def test_what_had_a_route_goes_when_its_requests_have_ended(stack):
    stack.deploy("shop:1", **ROUTED)
    stack.world.commands.clear()
    stack.deploy("shop:1")
    said = stack.world.commands
    reload = next(number for number, words in enumerate(said) if "-s reload" in words)
    (end,) = [number for number, words in enumerate(said) if words.startswith("stop") and "flower-1" in words]
    assert any(words.startswith("top ") for words in said[reload:end])
    assert "flower" not in "".join(written(stack))
    assert "shop-flower-1" not in stack.present
