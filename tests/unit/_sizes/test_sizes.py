# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of a stack for every kind of host."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._sizes import sizes as module
from ansible_collections.landfall.django.plugins.module_utils._sizes.sizes import NAMES, RESERVE, Shape, Sizes, sizes

from rendered import ROOT, rendered
from tests.unit.sentences import only

# Machines sold with 1, 2, 4, 8, 16 and 64 GB, as their kernels count.
MEMORIES = (957, 1967, 3915, 7941, 15992, 64300)
CORES = (1, 2, 8, 32)
STACKS = (1, 3, 8)
SHAPES = {
    f"{name}-{'redis' if redis else 'bare'}-{processes}-{replicas}": Shape(
        ENGINES.get(name), redis, replicas, processes, min(processes, 1)
    )
    for name in (*ENGINES, "none")
    for redis, processes, replicas in ((True, 1, 1), (True, 3, 2), (False, 0, 1))
}
STEPS = (*range(900, 2200, 13), *range(2200, 66000, 509))
HOSTS = list(itertools.product(MEMORIES, CORES, STACKS))


def on(memory: int, cores: int = 2, stacks: int = 1, shape: Shape | None = None, **given: Any) -> Sizes:
    return sizes({"memory_mib": memory, "cores": cores, "stacks": stacks}, shape or Shape(ENGINES["mysql"]), given)


def limits(found: Sizes, shape: Shape) -> int:
    """The sum of the limits of one stack."""
    return (
        found.web_memory_mib * shape.replicas
        + found.process_memory_mib * shape.processes
        + found.beat_memory_mib * shape.beats
        + found.redis_memory_mib
        + found.db_memory_mib
    )


def least(shape: Shape, share: int) -> int:
    """The sum of the minimums. The database and Redis have their parts whatever else there is."""
    return (
        module.WEB * shape.replicas
        + module.PROCESS * shape.processes
        + module.BEAT * shape.beats
        + (max(module.REDIS, share // 16) if shape.redis else 0)
        + (max(shape.engine.least_memory_mib, share // 5) if shape.engine else 0)
    )


@pytest.mark.parametrize("name", SHAPES)
def test_the_limits_fit_the_host_unless_the_minimum_does_not(name: str) -> None:
    shape = SHAPES[name]
    for memory, cores, stacks in HOSTS:
        share = (memory - RESERVE) // stacks
        assert limits(on(memory, cores, stacks, shape), shape) <= max(share, least(shape, share)), (
            memory,
            cores,
            stacks,
        )


@pytest.mark.parametrize("name", SHAPES)
def test_nobody_gets_less_than_what_it_works_with(name: str) -> None:
    shape = SHAPES[name]
    for host in HOSTS:
        found = on(*host, shape)
        assert found.web_memory_mib >= module.WEB
        assert found.process_memory_mib >= module.PROCESS
        assert found.beat_memory_mib >= module.BEAT
        assert min(found.web_workers, found.web_threads, found.celery_concurrency) >= 1
        assert (found.redis_memory_mib >= module.REDIS) is shape.redis
        # Twice its data fit, while it writes its file.
        assert found.redis_memory_mib >= 2 * found.redis_maxmemory_mib
        if shape.engine:
            assert found.db_memory_mib >= shape.engine.least_memory_mib
            assert 32 <= found.db_buffer_mib <= found.db_memory_mib * 2 // 3
            # Each worker's threads, twice during a release.
            assert found.db_connections >= 2 * shape.replicas * found.web_workers * found.web_threads
        else:
            assert found.db_memory_mib == found.db_buffer_mib == found.db_connections == 0


@pytest.mark.parametrize("name", SHAPES)
def test_more_memory_is_never_less_of_anything_for_the_database_redis_and_web(name: str) -> None:
    for cores, stacks in itertools.product(CORES, STACKS):
        found = [on(memory, cores, stacks, SHAPES[name]) for memory in STEPS]
        for size in ("db_memory_mib", "db_buffer_mib", "redis_memory_mib", "web_memory_mib", "web_workers"):
            values = [getattr(one, size) for one in found]
            assert values == sorted(values), (size, cores, stacks)


def test_more_stacks_get_less_each() -> None:
    for memory, cores in itertools.product(MEMORIES, CORES):
        found = [on(memory, cores, stacks).db_memory_mib for stacks in range(1, 9)]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("limit", "buffer"), [(384, 64), (640, 128), (700, 128), (1728, 768), (2368, 1024), (24320, 15360)]
)
def test_the_server_does_not_round_its_buffer_up(limit: int, buffer: int) -> None:
    """It takes whole chunks of 128 MiB, and with several instances eight of them."""
    assert ENGINES["mysql"].buffer_mib(limit) == ENGINES["mariadb"].buffer_mib(limit) == buffer


def test_the_usual_host_has_the_usual_sizes() -> None:
    found = on(3915)
    assert (found.web_workers, found.web_threads, found.celery_concurrency, found.db_connections) == (2, 4, 2, 100)
    assert (found.web_memory_mib, found.process_memory_mib, found.beat_memory_mib) == (512, 512, 160)
    assert (found.redis_maxmemory_mib, found.redis_memory_mib, found.redis_maxmemory_policy) == (96, 192, "noeviction")
    assert (found.db_memory_mib, found.db_buffer_mib) == (672, 128)


def documented() -> str:
    """The table in docs/containers.md."""
    hosts = {
        "1 GB, 1 core": (957, 1),
        "2 GB, 2 cores": (1967, 2),
        "4 GB, 2 cores": (3915, 2),
        "8 GB, 4 cores": (7941, 4),
    }
    hosts |= {"16 GB, 8 cores": (15992, 8), "64 GB, 16 cores": (64300, 16)}
    columns = {title: on(*host) for title, host in hosts.items()}
    lines = [f"| | {' | '.join(columns)} |", f"|{'---|' * (len(columns) + 1)}"]
    lines += [
        f"| `{name}` | {' | '.join(str(getattr(one, name)) for one in columns.values())} |"
        for name in NAMES
        if name not in ("stacks", "beat_memory_mib", "redis_maxmemory_policy")
    ]
    return "\n".join(lines) + "\n"


def test_the_documented_sizes_are_the_computed_ones() -> None:
    text = (ROOT / "docs/containers.md").read_text()
    assert text.split("<!-- sizes -->\n")[1].split("<!-- /sizes -->")[0] == documented()


def test_a_large_host_is_used_and_a_small_one_is_not_crowded() -> None:
    large = on(64300, 32)
    assert large.db_memory_mib > 16 * 1024
    assert large.web_workers == large.celery_concurrency == 32
    small = on(957, 8)
    assert (small.web_workers, small.celery_concurrency, small.web_threads) == (1, 1, 8)


def test_the_database_and_redis_depend_on_nothing_that_a_user_adds_to_the_project() -> None:
    for memory, cores, stacks in HOSTS:
        found = {
            (one.db_memory_mib, one.db_buffer_mib, one.redis_memory_mib)
            for processes, replicas in ((0, 1), (1, 1), (5, 3))
            for one in [on(memory, cores, stacks, Shape(ENGINES["mysql"], True, replicas, processes))]
        }
        assert len(found) == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_size_can_be_chosen(name: str) -> None:
    value: Any = "volatile-lru" if name == "redis_maxmemory_policy" else 777
    assert getattr(on(3915, **{name: value}), name) == value
    assert module.problems_of({name: value}, ENGINES["mysql"]) == []


def test_what_depends_on_a_chosen_size_follows_it() -> None:
    assert on(3915, redis_maxmemory_mib=512).redis_memory_mib == 1024
    assert on(7941, web_workers=4).web_memory_mib > on(7941).web_memory_mib
    assert on(7941, db_memory_mib=1024).db_buffer_mib > on(7941, db_memory_mib=640).db_buffer_mib
    assert on(7941, stacks=1, shape=None) != on(7941, stacks=3)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"web_worker": 2}, "web_worker"),
        ({"web_workers": 0}, "web_workers"),
        ({"web_workers": "two"}, "web_workers"),
        ({"stacks": -1}, "stacks"),
        ({"db_memory_mib": 128}, "db_memory_mib"),
        ({"redis_maxmemory_policy": "lru"}, "redis_maxmemory_policy"),
        ({"redis_maxmemory_mib": 0}, "redis_maxmemory_mib"),
    ],
)
def test_a_size_that_cannot_work_is_refused(given: dict[str, Any], named: str) -> None:
    assert only(module.problems_of(given, ENGINES["mysql"])).startswith("stack_sizes: ")
    assert named in only(module.problems_of(given, ENGINES["mysql"]))


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [("512m", "768m"), ("1g", "1536m"), ("1.5GB", "2304m"), (1073741824, "1536m"), ("640 MiB", "960m"), ("${M}", "-1")],
)
def test_swap_is_half_as_much_as_memory(limit: object, wanted: str) -> None:
    assert module.with_swap(limit) == wanted


def test_a_limit_of_the_user_has_a_limit_of_swap_that_fits() -> None:
    """Docker refuses one that is below the memory limit."""
    override = {"services": {"web": {"mem_limit": "1g"}, "db": {"mem_limit": "1g", "memswap_limit": "1g"}, "x": None}}
    text = rendered("stack", "roles/stack/templates/compose.override.yaml.j2", {"stack_compose_override": override})
    services = yaml.safe_load(text)["services"]
    assert services["web"] == {"mem_limit": "1g", "memswap_limit": "1536m"}
    assert services["db"]["memswap_limit"] == "1g"
    assert module.complete({}) == {"services": {}}
