# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack is removed as far as that can be done, and the rest is named."""

from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._release.undo import run_all
from ansible_collections.landfall.django.plugins.modules import stack_removal


def test_a_stack_goes_where_the_front_is_down(stack, tmp_path):
    stack.deploy("shop:1")
    for name in ("nginx-nginx-1", "nginx-edge-1"):
        stack.world.boxes[name].running = False
    given = {
        "project_src": str(stack.root),
        "project_name": "shop",
        "front_root": str(stack.front),
        "front_network": "shop_front",
    }
    assert run_all(stack_removal.removal(given, data=False)) == []
    assert stack.present == set()
    assert "shop_front" not in stack.world.boxes["nginx-edge-1"].networks
    assert not (stack.front / "upstreams/shop.conf").exists()


def test_what_could_not_be_removed_is_told_and_the_rest_is_gone(stack):
    stack.deploy("shop:1")
    stack.world.refused = ("exec nginx-nginx-1 nginx -s reload",)
    given = {
        "project_src": str(stack.root),
        "project_name": "shop",
        "front_root": str(stack.front),
        "front_network": "shop_front",
    }
    (problem,) = run_all(stack_removal.removal(given, data=False))
    assert "Nginx" in problem
    assert stack.present == set()
    assert stack_removal.front_parts(Front(str(stack.front)), "shop"), "the next run goes on with it"
