# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell from what Docker knows of containers how the services of a stack are.

Private to this collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot
from ansible_collections.landfall.django.plugins.module_utils._certificate.tls import Leaf

COLUMNS = ("service", "state", "health", "uptime", "image")
Row = dict[str, str]

_LABEL = "com.docker.compose."
_SITE = "run landfall.django.site"
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


@dataclass(frozen=True)
class Certificate:
    """A site's certificate: the one that the front has on disk, and the one that it shows."""

    domain: str
    port: int
    kept: Leaf
    # None where nothing answers.
    shown: Leaf | None
    is_same: bool
    is_temporary: bool  # the one on disk
    # Of the certbot that renews it; empty where none does.
    certbot: tuple[int, ...] = ()
    reload: str = "the front's reload"
    hook_failure: str = ""
    shows_temporary: bool = False


def certificate_row(found: Certificate, now: datetime.datetime) -> Row:
    """The certificate that visitors get. No browser trusts a temporary one, so its ten years are not told."""
    row = {
        "certificate": found.domain,
        "until": "-",
        "left": "temporary",
        "of": "-",
        "served": "no answer" if found.shown is None else "as on disk" if found.is_same else "another",
    }
    if found.shows_temporary or (found.is_temporary and found.shown is None):
        return row
    leaf = found.shown or found.kept
    left = leaf.not_after - now
    return {
        **row,
        "until": f"{leaf.not_after:%Y-%m-%d %H:%M}",
        "left": uptime(int(left.total_seconds())) if left > datetime.timedelta() else "none",
        "of": _life(leaf),
    }


def _life(leaf: Leaf) -> str:
    # The last second counts.
    return uptime(round((leaf.not_after - leaf.not_before).total_seconds()) + 1)


def certificates(rows: list[Row]) -> list[str]:
    return table(rows, ("certificate", "until", "left", "of", "served"))


def certificate_problems(found: Certificate, now: datetime.datetime) -> list[str]:
    """One sentence for each reason why visitors are, or will be, warned of the site."""
    said = []
    about = f"certificate: {found.domain}"
    if found.shown is None:
        said.append(f"{about} is not answered for on port {found.port}: see the service nginx.")
    elif not found.is_same:
        said.append(
            f"{about} shows another certificate, until {found.shown.not_after:%Y-%m-%d}, than the one on disk, until "
            f"{found.kept.not_after:%Y-%m-%d}: run {found.reload} on the host."
        )
    if found.hook_failure:
        said.append(
            f"{about} was renewed, but what loads the new certificate failed ({found.hook_failure}): {_SITE}, which "
            "tries it again."
        )
    if found.is_temporary:
        return [*said, f"{about} has only its temporary certificate: {_SITE}, which gets a real one or says why not."]
    leaf = found.shown or found.kept
    left, life = leaf.not_after - now, leaf.not_after - leaf.not_before
    if left <= datetime.timedelta():
        said.append(f"{about} has a certificate that ended at {leaf.not_after:%Y-%m-%d %H:%M} UTC: {_SITE}.")
    elif left < certbot.alarm(life, found.certbot):
        said.append(
            f"{about} has {uptime(int(left.total_seconds()))} left of a certificate for "
            f"{_life(leaf)}, which was to be renewed by now: {_SITE}, which says what is wrong."
        )
    return said


def units(text: str) -> dict[str, dict[str, str]]:
    """Properties by unit, from `systemctl show --property=Id,… UNIT…`."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def renewal_problems(known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is wrong with certbot's timer and with its last run, whichever certificate of the host it was about."""
    said = []
    if known.get("certbot.service", {}).get("ActiveState") == "failed":
        said.append("certbot.service: the last renewal failed: see journalctl --unit certbot on the host.")
    if known.get("certbot.timer", {}).get("ActiveState") != "active":
        said.append("certbot.timer: it does not run, so nothing renews: systemctl enable --now certbot.timer.")
    return said
