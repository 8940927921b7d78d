# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The networks of the front's holder, when it is replaced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.landfall.django.plugins.module_utils._front import up


@pytest.mark.parametrize(("former", "new"), [("0_nginx", "0_nginx_ipv6"), ("0_nginx_ipv6", "0_nginx")])
def test_a_new_network_takes_the_place_of_the_former_one(
    monkeypatch: pytest.MonkeyPatch, former: str, new: str
) -> None:
    has, removed = {new}, []
    front = SimpleNamespace(connected=has.__contains__, connect=has.add)
    monkeypatch.setattr(up, "_wait_for", lambda _front, _names: None)
    monkeypatch.setattr(up, "docker", lambda *command: removed.append(command))
    holder = {"NetworkSettings": {"Networks": {former: {}, "shop_front": {}}}}
    up._start_all(front, Started(), [holder])
    assert has == {new, "shop_front"}
    assert removed == [("network", "rm", former)]


class Started:
    """Docker Compose after it has started everything."""

    def __call__(self, *_command: str) -> None:
        return None

    def names(self, _service: str) -> list[str]:
        return ["nginx-nginx-1"]
