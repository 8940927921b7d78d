# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of a stack's services: memory limits, workers, the database's buffers. Pure functions.

All sizes are in MiB. A limit is a ceiling and no reservation. Together they stay below the stack's share of the host
wherever the services' minimum allows it. Private to this collection.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engine import Engine

# For the system and Docker, and for the front.
RESERVE = 320 + 160
# The least that each service works with. That of a database is its engine's.
WEB, PROCESS, BEAT, REDIS = 256, 256, 160, 96
# What gunicorn and Celery take by themselves, and each of their workers: at least, and amply.
_TIGHT, _AMPLE = (64, 144), (192, 160)
_STEP = 32
_CONNECTIONS = 100
_MOST = 2**24
# Beside itself during a release, each worker has four threads and a child of Celery, and somebody looks.
_PER_WORKER = 20
_POLICY = "redis_maxmemory_policy"
POLICIES = (
    "noeviction",
    *("allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True)
class Shape:
    """What a stack consists of. Without an engine its database is elsewhere, or a file."""

    engine: Engine | None = None
    redis: bool = True
    replicas: int = 1  # of web
    processes: int = 1  # beside web and beat
    beats: int = 1


@dataclass(frozen=True)
class Sizes:
    """The sizes of one stack, and the facts of the host that they are for. What there is not has 0."""

    memory_mib: int  # of the host
    cores: int
    stacks: int
    web_workers: int
    web_threads: int
    web_memory_mib: int  # of one replica, and of what a release runs once
    celery_concurrency: int
    process_memory_mib: int
    beat_memory_mib: int
    redis_maxmemory_mib: int
    redis_maxmemory_policy: str
    redis_memory_mib: int
    db_memory_mib: int
    db_buffer_mib: int
    db_connections: int


# What stack_sizes may have: all but the host's own memory and cores.
NAMES = tuple(name for name in Sizes.__dataclass_fields__ if name not in ("memory_mib", "cores"))


def sizes(host: Mapping[str, int], shape: Shape, given: Mapping[str, Any] | None = None) -> Sizes:
    """Return the sizes of a stack on a host with `memory_mib`, `cores` and `stacks`. `given` are sizes to keep to.

    What the database and Redis get depends on neither the replicas nor the processes: a new process restarts neither.
    """
    # A text that a template made may be a number.
    given = {name: int(value) if name != _POLICY else value for name, value in (given or {}).items() if value}
    stacks = given.get("stacks", host["stacks"])
    share = max(0, host["memory_mib"] - RESERVE) / stacks
    cores = max(2, -(-host["cores"] // stacks))

    # Rounded only in the result, or a MiB more of memory could mean less of something. Twice Redis's data: while it
    # writes its file, it may need each page a second time.
    redis = given.get("redis_memory_mib") or 2 * given.get("redis_maxmemory_mib", 0) or max(REDIS, share / 16)
    redis = redis if shape.redis else 0
    beat = given.get("beat_memory_mib", BEAT)
    database = given.get("db_memory_mib") or _database(share - redis - beat, share / 5, cores, shape.engine)
    database = database if shape.engine else 0

    rest = share - database - redis - beat * shape.beats
    half = min(rest / 2, rest - PROCESS * shape.processes) if shape.processes else rest
    for_web = max(WEB, half / shape.replicas)
    workers = given.get("web_workers", _workers(for_web, -(-cores // shape.replicas)))
    web = given.get("web_memory_mib", _floor(_limit(for_web, workers)))
    for_process = max(PROCESS, (rest - web * shape.replicas) / max(1, shape.processes))
    concurrency = given.get("celery_concurrency", _workers(for_process, cores))
    found = {
        "stacks": stacks,
        "web_workers": workers,
        # One worker alone answers as many requests at a time as two.
        "web_threads": 8 if workers == 1 else 4,
        "web_memory_mib": web,
        "celery_concurrency": concurrency,
        "process_memory_mib": _floor(_limit(for_process, concurrency)),
        "beat_memory_mib": beat,
        "redis_maxmemory_mib": _floor(redis) // 2,
        # A queue is not to forget: beyond its memory, Redis refuses.
        _POLICY: POLICIES[0],
        "redis_memory_mib": _floor(redis),
        "db_memory_mib": _floor(database),
        "db_buffer_mib": shape.engine.buffer_mib(_floor(database)) if shape.engine else 0,
        "db_connections": max(_CONNECTIONS, _PER_WORKER * (1 + workers * shape.replicas)),
        **given,
    }
    missing = [name for name, there in (("redis_", shape.redis), ("db_", shape.engine)) if not there]
    found.update({name: "" if name == _POLICY else 0 for name in found if name.startswith(tuple(missing))})
    return Sizes(memory_mib=host["memory_mib"], cores=host["cores"], **found)


def problems_of(given: Mapping[str, Any], engine: Engine | None) -> list[str]:
    """Return one sentence for each of the sizes that cannot work."""
    least = {
        "web_memory_mib": WEB // 2,
        "process_memory_mib": PROCESS // 4,
        "beat_memory_mib": BEAT // 2,
        "redis_memory_mib": REDIS // 2,
        "db_memory_mib": engine.least_memory_mib if engine else 1,
    }
    problems = []
    for name, value in given.items():
        if value in (None, ""):
            continue
        if name not in NAMES:
            problems.append(f"stack_sizes: there is no size '{name}': use {', '.join(NAMES)}.")
        elif name == _POLICY:
            if value not in POLICIES:
                problems.append(
                    f"stack_sizes: {name}: '{value}' is none of Redis's policies: use {', '.join(POLICIES)}."
                )
        elif not str(value).isdigit() or not least.get(name, 1) <= int(value) <= _MOST:
            problems.append(
                f"stack_sizes: {name}: {value} is out of bounds: give a number from {least.get(name, 1)} to {_MOST}."
            )
    return problems


def with_swap(limit: object) -> str:
    """Return the limit of memory and swap together for a memory limit as Compose takes it: half as much again.

    Docker's own default is twice the limit. A limit that cannot be read here gets -1, no limit of swap.
    """
    found = _SIZE.fullmatch(str(limit).strip())
    if not found:
        return "-1"
    mib = float(found[1]) * 1024.0 ** (_UNITS[found[2].lower()] - 2)
    return f"{math.ceil(mib * 1.5)}m"


def complete(override: Mapping[str, Any]) -> dict[str, Any]:
    """Return an override for Compose with the swap limit of each service that has a memory limit of its own.

    The one in compose.yaml is for the other limit, and Docker refuses one that is below the memory limit.
    """
    services = override.get("services") or {}
    completed = {
        name: {"memswap_limit": with_swap(service["mem_limit"]), **service}
        for name, service in services.items()
        if isinstance(service, Mapping) and "mem_limit" in service
    }
    return {**override, "services": {**services, **completed}}


def _database(others: float, fifth: float, cores: int, engine: Engine | None) -> float:
    """Return the memory of the database: a fifth of the stack's, or half of what the usual processes leave, if more.

    `others` is what the database shares with web and the workers.
    """
    if engine is None:
        return 0.0
    least = max(engine.least_memory_mib, fifth)
    usual = max(WEB, (others - least) / 2)
    # During a release, web and the worker run twice.
    return max(least, (others - 4 * _limit(usual, _workers(usual, cores))) / 2)


def _workers(memory: float, most: int) -> int:
    base, each = _TIGHT
    return max(1, min(most, int(memory - base) // each))


def _limit(memory: float, workers: int) -> float:
    base, each = _AMPLE
    return min(memory, base + each * workers)


def _floor(size: float) -> int:
    return int(size) // _STEP * _STEP
