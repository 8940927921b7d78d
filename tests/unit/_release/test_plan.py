# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.landfall.django.plugins.module_utils._release.plan import Container, plan, preparation_lines
from ansible_collections.landfall.django.plugins.module_utils._release.safety import Judged


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


def test_a_process_has_a_container_for_each_time_that_it_is_named():
    present = [web(1), web(1, service="celery"), web(2, service="celery", current=False)]
    celery = planned(present, processes=["celery", "celery", "celery", "beat"]).processes[0]
    assert (celery.keep, celery.start, celery.stop) == (("shop-celery-1",), 2, ("shop-celery-2",))


def test_a_stopped_container_is_replaced():
    result = planned([web(1, running=False)])
    assert (result.web.start, result.web.dead) == (1, ("shop-web-1",))


def test_an_unknown_service_is_an_orphan_and_a_known_one_is_not():
    result = planned([web(1), web(1, service="old"), web(1, service="db")])
    assert result.orphans == ("shop-old-1",)
    assert result.lines() == ["remove shop-old-1, which compose.yaml no longer names"]


def test_a_backing_service_is_started_where_it_does_not_run_as_it_should():
    assert planned([web(1)], backing=["db"]).backing == ("db",)
    assert planned([web(1), web(1, service="db", running=False)], backing=["db"]).backing == ("db",)
    assert planned([web(1), web(1, service="db", current=False)], backing=["db"]).backing == ("db",)
    assert not planned([web(1), web(1, service="db")], backing=["db"]).pending


def test_what_precedes_the_containers_is_told_first():
    assert preparation_lines(True, ["shop.0002_stock"], []) == [
        "build an image of the changed source",
        "apply the migration shop.0002_stock, which comes with the source",
    ]
    assert preparation_lines(False, [], ["shop.0002_stock"]) == ["apply the pending migration shop.0002_stock"]


def test_the_risks_of_migrations_follow_their_names():
    lines = preparation_lines(False, [], ["shop.0002_stock"], Judged(("shop.0002_stock drops it",), "refused"))
    assert ["shop.0002_stock drops it" in line for line in lines] == [False, True, False]
    assert "stack_migrations" in lines[2]
    assert len(preparation_lines(False, [], ["shop.0002_stock"], Judged(("shop.0002_stock drops it",)))) == 2
