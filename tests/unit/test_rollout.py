# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils import _front, _health
from ansible_collections.landfall.django.plugins.module_utils._compose import recreated
from ansible_collections.landfall.django.plugins.module_utils._gate import migrations
from ansible_collections.landfall.django.plugins.module_utils._rollout import Container, before, plan


def web(number, *, current=True, running=True, service="web"):
    return Container(f"shop-{service}-{number}", service, running, current)


def planned(present, *, replicas=1, processes=(), backing=(), known=("db", "web", "celery")):
    return plan("web", replicas, processes, backing, present, known)


def test_a_first_release_starts_everything():
    result = planned([], replicas=2, processes=["celery"])
    assert result.lines() == ["start 2 new container(s) of web", "start 1 new container(s) of celery"]
    assert result.pending


def test_an_unchanged_stack_has_nothing_to_do():
    result = planned([web(1), web(1, service="celery")], processes=["celery"])
    assert not result.pending
    assert result.web.keep == ("shop-web-1",)


def test_a_changed_configuration_replaces_beside_the_old():
    result = planned([web(1, current=False)])
    assert (result.web.start, result.web.stop, result.web.keep) == (1, ("shop-web-1",), ())


def test_more_replicas_keep_those_there_are():
    result = planned([web(1)], replicas=3)
    assert (result.web.start, result.web.stop, result.web.keep) == (2, (), ("shop-web-1",))


def test_fewer_replicas_stop_the_surplus():
    result = planned([web(1), web(2)])
    assert (result.web.start, result.web.stop) == (0, ("shop-web-2",))


def test_a_stopped_container_is_replaced():
    result = planned([web(1, running=False)])
    assert (result.web.start, result.web.dead) == (1, ("shop-web-1",))


def test_an_unknown_service_is_an_orphan_and_a_known_one_is_not():
    result = planned([web(1), web(1, service="old"), web(1, service="db")])
    assert result.orphans == ("shop-old-1",)
    assert result.lines() == ["remove shop-old-1, which compose.yaml no longer names"]


def test_compose_says_what_it_would_recreate():
    said = """ DRY-RUN MODE -  Container shop-web-3  Running
 DRY-RUN MODE -  Container shop-web-2  Recreate
 DRY-RUN MODE -  Container shop-web-2  Recreated
 DRY-RUN MODE -  Container e817553bb5c1_shop-web-2  Starting
 DRY-RUN MODE -  Container e817553bb5c1_shop-web-2  Started
"""
    assert recreated(said) == {"shop-web-2"}


def test_an_upstream_names_every_container():
    text = _front.upstream("shop", ["shop-web-1", "shop-web-2"], 9000)
    assert text.count("resolve") >= 2
    assert "server shop-web-1:9000 resolve" in text
    assert "server shop-web-2:9000 resolve" in text


def test_an_upstream_is_the_same_in_whatever_order_its_containers_come():
    names = ["shop-web-2", "shop-web-10"]
    assert _front.upstream("shop", names, 8000) == _front.upstream("shop", reversed(names), 8000)


def test_a_verdict_names_the_cure():
    assert _health.verdict(200, "/health/") == ""
    assert "ALLOWED_HOSTS" in _health.verdict(400, "/health/")
    assert "stack_health_path" in _health.verdict(404, "/health/")
    assert _health.verdict(500, "/health/") == "/health/ answers 500"


def test_a_backing_service_is_started_where_it_does_not_run_as_it_should():
    assert planned([web(1)], backing=["db"]).backing == ("db",)
    assert planned([web(1), web(1, service="db", running=False)], backing=["db"]).backing == ("db",)
    assert planned([web(1), web(1, service="db", current=False)], backing=["db"]).backing == ("db",)
    assert not planned([web(1), web(1, service="db")], backing=["db"]).pending


def test_pending_migrations_are_told_from_applied_ones():
    said = """[X]  contenttypes.0001_initial
[X]  auth.0001_initial
[ ]  catalogue.0002_stock
warning: something else
"""
    assert migrations(said) == (["catalogue.0002_stock"], ["contenttypes.0001_initial", "auth.0001_initial"])


def test_what_precedes_the_containers_is_told_first():
    assert before(True, ["shop.0002_stock"], []) == [
        "build an image of the changed source",
        "apply the migration shop.0002_stock, which comes with the source",
    ]
    assert before(False, [], ["shop.0002_stock"]) == ["apply the pending migration shop.0002_stock"]
