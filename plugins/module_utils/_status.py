# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell from what Docker knows of containers how the services of a stack are.

Private to this collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COLUMNS = ("service", "state", "health", "uptime", "image")
RELEASES = 5  # that the table of releases shows
Row = dict[str, str]

_LABEL = "com.docker.compose."
# One that dies again and again looks as if it ran whenever Docker has just started it.
_SETTLED = 10


def wanted(config: Mapping[str, Any]) -> dict[str, int]:
    """Service to the number of its containers, from `docker compose config --format json`."""
    counts = {}
    for name, service in config.get("services", {}).items():
        replicas = (service.get("deploy") or {}).get("replicas", service.get("scale"))
        counts[name] = 1 if replicas is None else int(replicas)
    return counts


def rows(inspected: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Row]:
    """One row a container; those of `docker compose run` are left out."""
    found = []
    for container in inspected:
        labels = container["Config"].get("Labels") or {}
        if labels.get(_LABEL + "oneoff") == "True" or _LABEL + "service" not in labels:
            continue
        state = container["State"]
        health = (state.get("Health") or {}).get("Status", "none")
        age = _seconds_since(state["StartedAt"], now)
        status = state["Status"] + (f" ({state['ExitCode']})" if state["Status"] == "exited" else "")
        if status == "running" and health == "none" and container["RestartCount"] and age < _SETTLED:
            status = "restarting"
        found.append(
            {
                "service": labels[_LABEL + "service"],
                "state": status,
                "health": health if status == "running" and health != "none" else "-",
                "uptime": uptime(age) if status == "running" else "-",
                "image": container["Config"]["Image"],
                "container": container["Name"].lstrip("/"),
            }
        )
    return found


def _seconds_since(started: str, now: datetime.datetime) -> int:
    # Docker writes nanoseconds and Z, neither of which every Python reads.
    since = datetime.datetime.fromisoformat(started[:19]).replace(tzinfo=datetime.timezone.utc)
    return max(0, int((now - since).total_seconds()))


def uptime(seconds: int) -> str:
    """A time in its two largest units."""
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def with_missing(found: list[Row], counts: Mapping[str, int]) -> list[Row]:
    """The rows in the order of the services, with one for each wanted container that there is not."""
    complete = []
    for service in [*counts, *sorted({row["service"] for row in found} - set(counts))]:
        own = sorted((row for row in found if row["service"] == service), key=lambda row: row["container"])
        absent = {"service": service, "state": "missing", "health": "-", "uptime": "-", "image": "-", "container": ""}
        complete += own + [absent] * (counts.get(service, 0) - len(own))
    return complete


def is_fine(row: Row) -> bool:
    """Running, and healthy where there is a check at all."""
    return row["state"] == "running" and row["health"] in ("healthy", "-")


def problems(complete: list[Row], counts: Mapping[str, int]) -> list[str]:
    """One sentence for each container that is not as it should be."""
    said = []
    for row in complete:
        fine = sum(other["service"] == row["service"] and is_fine(other) for other in complete)
        # A release may leave a stopped container of the former one: no fault while there are enough others.
        leftover = row["state"].startswith(("exited", "created")) and fine >= counts.get(row["service"], 0)
        if not is_fine(row) and not leftover:
            said.append(_sentence(row))
    return said


def _sentence(row: Row) -> str:
    if row["state"] == "missing":
        return f"{row['service']}: there is no container of it."
    name = f"{row['service']}: its container {row['container']} is"
    if row["state"] != "running":
        return f"{name} {row['state']}: see docker logs {row['container']}."
    if row["health"] == "starting":
        return f"{name} starting still: ask again in a minute."
    return f"{name} {row['health']}: see docker logs {row['container']}."


def table(rows: list[Row], columns: tuple[str, ...] = COLUMNS) -> list[str]:
    """The lines of a table, its columns as wide as they must be."""
    lines = [{column: column.upper() for column in columns}, *rows]
    widths = [max(len(line[column]) for line in lines) for column in columns]
    return ["  ".join(line[column].ljust(width) for column, width in zip(columns, widths)).rstrip() for line in lines]


def releases(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of a table of the last releases of a ledger, newest first."""
    found = []
    for entry in reversed(entries[-RELEASES:]):
        proof = entry.get("proof") or {}
        back = f" (back to {entry['rollback_to']})" if entry.get("rollback_to") else ""
        found.append(
            {
                "release": f"{entry['release']}{back}",
                "at": entry["at"][:16].replace("T", " "),
                "by": entry["by"],
                "image": entry["image"],
                "seconds": f"{entry['seconds']:.1f}",
                "failed": f"{proof['failures']} of {proof['requests']}" if proof else "-",
            }
        )
    return table(found, ("release", "at", "by", "image", "seconds", "failed")) if found else []
