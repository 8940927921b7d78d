# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of services, from what Docker 20.10 and Compose 2.26 said of a stack with faults."""

from __future__ import annotations

import copy
import datetime
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._certificate import tls
from ansible_collections.landfall.django.plugins.module_utils._status import look, services

RECORDED = json.loads((Path(__file__).parents[1] / "recorded/status.json").read_text())
NOW = datetime.datetime(2026, 11, 23, 1, 1, 0, tzinfo=datetime.UTC)


def rows_of(project: str, **changes: dict[str, Any]) -> tuple[list[services.Row], dict[str, int]]:
    """The recorded project, with the State (and RestartCount) of some containers changed."""
    recorded = copy.deepcopy(RECORDED[project])
    for container in recorded["inspect"]:
        change = changes.get(container["Name"].lstrip("/").replace("-", "_"), {})
        container["RestartCount"] = change.pop("RestartCount", container["RestartCount"])
        container["State"].update(change)
    counts = services.wanted(recorded["config"])
    return services.with_missing(services.rows(recorded["inspect"], NOW), counts), counts


WEB_2 = {"Status": "running", "Running": True, "Health": {"Status": "healthy"}}
REDIS = {"Health": {"Status": "healthy"}}
BEAT = {"Status": "running", "Restarting": False, "RestartCount": 0}
FINE = {"shop_web_2": WEB_2, "shop_redis_1": REDIS, "shop_celery_beat_1": BEAT}


def problems_of(project: str, **changes: dict[str, Any]) -> list[str]:
    return services.problems(*rows_of(project, **copy.deepcopy(changes)))


def test_the_table() -> None:
    assert services.table(rows_of("shop")[0] + rows_of("nginx")[0]) == [
        "SERVICE      STATE         HEALTH     UPTIME      MEMORY   IMAGE",
        "celery       running       -          1 min 34 s  -        shop-base:trixie",
        "celery-beat  restarting    -          -           -        shop-base:trixie",
        "db           running       healthy    1 min 34 s  640 MiB  shop-base:trixie",
        "redis        running       unhealthy  1 min 34 s  -        shop-base:trixie",
        "web          running       healthy    1 min 34 s  -        shop-base:trixie",
        "web          exited (143)  -          -           -        shop-base:trixie",
        "edge         running       -          1 min 33 s  -        shop-base:trixie",
        "nginx        running       healthy    1 min 32 s  -        shop-base:trixie",
    ]


def test_the_sizes_that_a_stack_has() -> None:
    recorded = {
        "memory_mib": 957,
        "stacks": 1,
        "web_workers": 1,
        "redis_maxmemory_mib": 0,
        "redis_maxmemory_policy": "",
    }
    assert services.sizes(recorded) == ["SIZE         VALUE", "memory_mib   957", "stacks       1", "web_workers  1"]
    assert services.sizes({}) == []


def test_the_sizes_of_the_compose_file_in_force_and_the_stacks_that_came_since(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    (root / "releases").mkdir(parents=True)
    assert look.sizes_in_force(root) == {}
    (root / "compose.yaml").write_text('name: shop\n\nx-sizes: {"memory_mib": 957, "stacks": 1}\n')
    assert look.sizes_in_force(root) == {"memory_mib": 957, "stacks": 1}
    (tmp_path / "blog" / "releases").mkdir(parents=True)
    assert look.sizes_in_force(root)["stacks_now"] == 2


def test_each_fault_is_named() -> None:
    expected = [
        ("celery-beat", "restarting", "docker logs shop-celery-beat-1"),
        ("redis", "unhealthy", "docker logs shop-redis-1"),
        ("web", "exited (143)", "docker logs shop-web-2"),
    ]
    sentences = problems_of("shop")
    assert len(sentences) == len(expected)
    for sentence, (service, *words) in zip(sentences, expected, strict=True):
        assert sentence.startswith(f"{service}: ")
        assert all(word in sentence for word in words)


def test_all_is_well() -> None:
    assert problems_of("nginx") == []
    assert problems_of("shop", **FINE) == []


def test_one_that_is_starting_is_not_fine_yet() -> None:
    (sentence,) = problems_of("shop", **{**FINE, "shop_redis_1": {"Health": {"Status": "starting"}}})
    assert sentence.startswith("redis: ")
    assert all(word in sentence for word in ("shop-redis-1", "starting", "landfall.django.status"))


def test_one_that_was_just_started_again_is_restarting() -> None:
    young = {**BEAT, "RestartCount": 10, "StartedAt": "2026-11-23T01:00:52.143476592Z"}
    assert "restarting" in problems_of("shop", **{**FINE, "shop_celery_beat_1": young})[0]
    older = {**young, "StartedAt": "2026-11-23T01:00:22.143476592Z"}
    assert problems_of("shop", **{**FINE, "shop_celery_beat_1": older}) == []


def test_what_is_missing_has_a_row_and_a_sentence() -> None:
    found, counts = rows_of("shop", **copy.deepcopy(FINE))
    rest = [row for row in found if row["container"] not in ("shop-web-2", "shop-db-1")]
    complete = services.with_missing(rest, counts)
    assert [row["service"] for row in complete if row["state"] == "missing"] == ["db", "web"]
    sentences = services.problems(complete, counts)
    assert [sentence.split(":")[0] for sentence in sentences] == ["db", "web"]
    assert all("missing" in sentence and "landfall.django.site" in sentence for sentence in sentences)


def test_the_stopped_one_of_a_former_release_is_no_fault() -> None:
    found, counts = rows_of("shop", **copy.deepcopy({**FINE, "shop_web_2": {}}))
    assert services.problems(found, {**counts, "web": 1}) == []


def test_containers_wanted() -> None:
    assert services.wanted(RECORDED["shop"]["config"])["web"] == 2
    assert services.wanted({"services": {"a": {}, "b": {"scale": 3}, "c": {"deploy": {}}}}) == {"a": 1, "b": 3, "c": 1}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (86400, "1 d 0 h"), (900000, "10 d 10 h")],
)
def test_uptime(seconds: int, text: str) -> None:
    assert services.uptime(seconds) == text


DAY = datetime.timedelta(days=1)


def leaf(left: datetime.timedelta, life: datetime.timedelta = 90 * DAY) -> tls.Leaf:
    return tls.Leaf(frozenset({"shop.test"}), NOW + left - life + datetime.timedelta(seconds=1), NOW + left)


def certificate(left: datetime.timedelta = 60 * DAY, life: datetime.timedelta = 90 * DAY, **change: Any):
    good = services.Certificate("shop.test", 443, leaf(left, life), leaf(left, life), True, False, (4, 0, 0))
    return replace(good, **change)


@pytest.mark.parametrize(
    ("left", "life", "count"),
    [(22 * DAY, 365 * DAY, 0), (20 * DAY, 365 * DAY, 1), (11 * DAY, 30 * DAY, 0), (9 * DAY, 30 * DAY, 1)],
)
def test_a_certificate_of_the_users_own_is_renewed_by_hand(left, life, count) -> None:
    found = services.certificate_problems(certificate(left, life, certbot=(), is_own=True), NOW)
    assert [("nginx_site_certificate_file" in sentence) for sentence in found] == [True] * count


def test_a_good_certificate_is_no_problem() -> None:
    assert services.certificate_problems(certificate(), NOW) == []
    assert services.certificates([services.certificate_row(certificate(), NOW)]) == [
        "CERTIFICATE  UNTIL             LEFT      OF        SERVED",
        "shop.test    2027-01-22 01:01  60 d 0 h  90 d 0 h  as on disk",
    ]


TEMPORARY = leaf(3649 * DAY, 3650 * DAY)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (certificate(kept=TEMPORARY, shown=TEMPORARY, is_temporary=True, shows_temporary=True), "temporary"),
        (certificate(kept=TEMPORARY, shown=None, is_same=False, is_temporary=True), "temporary"),
        # The real one is there, and Nginx has not loaded it.
        (certificate(shown=TEMPORARY, is_same=False, shows_temporary=True), "temporary"),
        (certificate(kept=TEMPORARY, is_same=False, is_temporary=True), "60 d 0 h"),
    ],
)
def test_a_temporary_certificate_is_called_so_instead_of_ten_years(found: services.Certificate, left: str) -> None:
    row = services.certificate_row(found, NOW)
    assert row["left"] == left
    assert {row["until"] == "-", row["of"] == "-"} == {left == "temporary"}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (certificate(shown=None, is_same=False), r"answer on port 443: .*nginx"),
        (
            certificate(shown=leaf(20 * DAY), is_same=False, reload="/srv/nginx/reload"),
            r"2026-12-13.*2027-01-22: .*/srv/nginx/reload",
        ),
        (certificate(hook_failure="no nginx"), r"failed \(no nginx\): .*landfall\.django\.site"),
        (certificate(is_temporary=True), r"temporary certificate: .*landfall\.django\.site"),
        (certificate(left=-DAY), r"expired at 2026-11-22 01:01 UTC"),
        (certificate(left=28 * DAY), r"90 d 0 h .*28 d 0 h .*renewed"),
        (certificate(left=13 * DAY, life=45 * DAY), r"45 d 0 h .*13 d 0 h .*renewed"),
        (certificate(left=2 * DAY, life=160 * DAY / 24), r"6 d 16 h .*2 d 0 h .*renewed"),
    ],
)
def test_each_fault_of_a_certificate_is_named(found: services.Certificate, says: str) -> None:
    sentences = services.certificate_problems(found, NOW)
    assert all(sentence.startswith("certificate: shop.test ") for sentence in sentences)
    assert any(re.search(says, sentence) for sentence in sentences), sentences


def test_what_visitors_see_counts_not_what_lies_on_disk() -> None:
    stale = certificate(shown=leaf(-DAY), is_same=False)
    assert [sentence.split(":")[0] for sentence in services.certificate_problems(stale, NOW)] == ["certificate"] * 2


@pytest.mark.parametrize(("left", "life"), [(29, 90), (14, 45), (3, 160 / 24)])
def test_one_whose_renewal_is_due_is_no_problem_yet(left: float, life: float) -> None:
    assert services.certificate_problems(certificate(left * DAY, life * DAY), NOW) == []


UNITS = "Id=certbot.service\nActiveState={}\n\nId=certbot.timer\nActiveState={}\n"


@pytest.mark.parametrize(
    ("service", "timer", "said"),
    [
        ("inactive", "active", []),
        ("activating", "active", []),
        ("failed", "active", ["certbot.service"]),
        ("inactive", "inactive", ["certbot.timer"]),
    ],
)
def test_a_renewal_that_failed_or_never_comes_is_named(service: str, timer: str, said: list[str]) -> None:
    found = services.renewal_problems(services.units(UNITS.format(service, timer)))
    assert [sentence.split(":")[0] for sentence in found] == said


def test_a_stack_whose_first_release_failed_has_no_services_and_may_be_asked(tmp_path):
    found = look.services_of([("shop", str(tmp_path))])
    assert found.rows == []
    assert [word for word in found.problems if "shop" in word and "compose.yaml" in word]
