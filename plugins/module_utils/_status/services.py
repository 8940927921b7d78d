# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a stack's containers and certificate, as tables and as problems. Pure functions.

Private to this collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot
from ansible_collections.landfall.django.plugins.module_utils._certificate.tls import Leaf

COLUMNS = ("service", "state", "health", "uptime", "memory", "image")
Row = dict[str, str]

_LABEL = "com.docker.compose."
_SITE = "run landfall.django.site"
# Seconds. A container in a restart loop appears to run just after Docker has started it.
_SETTLED = 10
_OWN_ALARM = datetime.timedelta(days=21)


def wanted(config: Mapping[str, Any]) -> dict[str, int]:
    """Return the wanted number of containers per service, from `docker compose config --format json`."""
    counts = {}
    for name, service in config.get("services", {}).items():
        replicas = (service.get("deploy") or {}).get("replicas", service.get("scale"))
        counts[name] = 1 if replicas is None else int(replicas)
    return counts


def rows(inspected: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Row]:
    """Return one row per container, without those of `docker compose run`."""
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
                "memory": memory((container.get("HostConfig") or {}).get("Memory") or 0),
                "image": container["Config"]["Image"],
                "container": container["Name"].lstrip("/"),
            }
        )
    return found


def _seconds_since(started: str, now: datetime.datetime) -> int:
    # Without nanoseconds and Z, which older Python versions do not parse.
    since = datetime.datetime.fromisoformat(started[:19]).replace(tzinfo=datetime.timezone.utc)
    return max(0, int((now - since).total_seconds()))


def uptime(seconds: int) -> str:
    """Return a duration in its two largest units."""
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def memory(limit: int) -> str:
    """Return a memory limit in bytes as a text."""
    return f"{limit >> 20} MiB" if limit else "-"


def sizes(recorded: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table of a stack's sizes, under the names by which stack_sizes changes them."""
    there = {name: value for name, value in recorded.items() if value}
    return (
        table([{"size": name, "value": str(value)} for name, value in there.items()], ("size", "value"))
        if there
        else []
    )


def with_missing(found: list[Row], counts: Mapping[str, int]) -> list[Row]:
    """Return the rows in the order of the services, with a row for each missing container."""
    complete = []
    for service in [*counts, *sorted({row["service"] for row in found} - set(counts))]:
        own = sorted((row for row in found if row["service"] == service), key=lambda row: row["container"])
        absent = {**dict.fromkeys(COLUMNS, "-"), "service": service, "state": "missing", "container": ""}
        complete += own + [absent] * (counts.get(service, 0) - len(own))
    return complete


def is_fine(row: Row) -> bool:
    """Return whether a container runs, and is healthy where it has a health check."""
    return row["state"] == "running" and row["health"] in ("healthy", "-")


def problems(complete: list[Row], counts: Mapping[str, int]) -> list[str]:
    """Return one sentence for each container with a problem."""
    sentences = []
    for row in complete:
        fine = sum(other["service"] == row["service"] and is_fine(other) for other in complete)
        # A stopped container of a former release is no problem while the others are enough.
        leftover = row["state"].startswith(("exited", "created")) and fine >= counts.get(row["service"], 0)
        if not is_fine(row) and not leftover:
            sentences.append(_sentence(row))
    return sentences


def _sentence(row: Row) -> str:
    if row["state"] == "missing":
        return f"{row['service']}: its container is missing: {_SITE}."
    name = f"{row['service']}: its container {row['container']} is"
    if row["state"] != "running":
        return f"{name} in the state {row['state']}: see docker logs {row['container']}."
    if row["health"] == "starting":
        return f"{name} still starting: run landfall.django.status again in a minute."
    return f"{name} {row['health']}: see docker logs {row['container']}."


def table(rows: list[Row], columns: tuple[str, ...] = COLUMNS) -> list[str]:
    """Return the lines of a table, with columns as wide as their content."""
    lines = [{column: column.upper() for column in columns}, *rows]
    widths = [max(len(line[column]) for line in lines) for column in columns]
    return ["  ".join(line[column].ljust(width) for column, width in zip(columns, widths)).rstrip() for line in lines]


@dataclass(frozen=True)
class Certificate:
    """A site's certificate: the one on disk, and the one that the front serves."""

    domain: str
    port: int
    kept: Leaf
    # The one that the front serves; None where it does not answer.
    shown: Leaf | None
    is_same: bool
    is_temporary: bool  # the one on disk
    # Version of the certbot that renews it; empty where none does.
    certbot: tuple[int, ...] = ()
    reload: str = "the front's reload"
    hook_failure: str = ""
    shows_temporary: bool = False
    is_own: bool = False  # the user's, which nothing renews


def certificate_row(found: Certificate, now: datetime.datetime) -> Row:
    """Return the row of the certificate that visitors get, without dates for a temporary one, which browsers refuse."""
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
    # The last second is included.
    return uptime(round((leaf.not_after - leaf.not_before).total_seconds()) + 1)


def certificates(rows: list[Row]) -> list[str]:
    return table(rows, ("certificate", "until", "left", "of", "served"))


def certificate_problems(found: Certificate, now: datetime.datetime) -> list[str]:
    """Return one sentence for each reason why browsers warn, or will warn, visitors of the site."""
    sentences = []
    about = f"certificate: {found.domain}"
    if found.shown is None:
        sentences.append(f"{about} does not answer on port {found.port}: see the service nginx.")
    elif not found.is_same:
        sentences.append(
            f"{about} serves a certificate valid until {found.shown.not_after:%Y-%m-%d}, but the one on disk is valid "
            f"until {found.kept.not_after:%Y-%m-%d}: run {found.reload} on the host."
        )
    if found.hook_failure:
        sentences.append(
            f"{about} was renewed, but the hook that loads the new certificate failed ({found.hook_failure}): {_SITE}, "
            "which runs it again."
        )
    if found.is_temporary:
        return [
            *sentences,
            f"{about} has only a temporary certificate: {_SITE}, which requests a real one or says why not.",
        ]
    leaf = found.shown or found.kept
    left, life = leaf.not_after - now, leaf.not_after - leaf.not_before
    if left <= datetime.timedelta():
        sentences.append(f"{about} has a certificate that expired at {leaf.not_after:%Y-%m-%d %H:%M} UTC: {_SITE}.")
    elif found.is_own and left < min(life / 3, _OWN_ALARM):
        sentences.append(
            f"{about} has a certificate of your own that expires in {uptime(int(left.total_seconds()))}: renew the "
            f"files of nginx_site_certificate_file and nginx_site_certificate_key_file, and {_SITE}."
        )
    elif not found.is_own and left < certbot.alarm(life, found.certbot):
        sentences.append(
            f"{about} has a certificate for {_life(leaf)} that expires in {uptime(int(left.total_seconds()))} and "
            f"should be renewed by now: {_SITE}, which says what is wrong."
        )
    return sentences


def units(text: str) -> dict[str, dict[str, str]]:
    """Return the properties by unit, from `systemctl show --property=Id,… UNIT…`."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def renewal_problems(known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return problems with certbot's timer and its last run, for any certificate of the host."""
    sentences = []
    if known.get("certbot.service", {}).get("ActiveState") == "failed":
        sentences.append("certbot.service: the last renewal failed: run journalctl --unit certbot on the host.")
    if known.get("certbot.timer", {}).get("ActiveState") != "active":
        sentences.append(
            "certbot.timer: it does not run, so no certificate is renewed: run systemctl enable --now certbot.timer on"
            " the host."
        )
    return sentences
