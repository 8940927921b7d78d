# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database import writers
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose


def container(service, running=True, health=None):
    state = {"Running": running, **({"Health": {"Status": health}} if health else {})}
    return {"Name": f"/shop-{service}-1", "State": state, "Config": {"Labels": {"com.docker.compose.service": service}}}


@pytest.fixture
def stack_of(monkeypatch):
    """A stack of these containers, and the docker commands that were run."""

    def make(*there):
        stack = Writers(Compose("/srv/shop", "shop"))
        monkeypatch.setattr(stack.compose, "containers", lambda: {one["Name"][1:]: one for one in there})
        commands = []
        monkeypatch.setattr(writers, "docker", lambda *words, **_: commands.append(words))
        return stack, commands

    return make


def test_all_but_the_backing_services_may_write(stack_of):
    stack, _ = stack_of(
        container("db"), container("redis"), container("web"), container("jobs"), container("old", False)
    )
    assert stack.running() == ["shop-jobs-1", "shop-web-1"]


def test_only_what_is_still_there_is_started(stack_of):
    stack, commands = stack_of(container("web", running=False))
    stack.start(["shop-web-1", "shop-web-0"])
    stack.start(["shop-web-0"])
    stack.stop([])
    assert commands == [("start", "shop-web-1")]


def test_what_is_not_healthy_in_time_is_named(stack_of):
    stack, _ = stack_of(container("web", health="healthy"), container("beat"), container("celery", health="starting"))
    assert stack.unhealthy(["shop-web-1", "shop-beat-1", "shop-celery-1"], timeout=0) == ["shop-celery-1"]
