# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a stack's alarms. One sentence a problem: the variable, the fault, the cure. No value is repeated.

Private to this collection.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._alarms import post

NAME = "stack_alarms"
_TELLING = ("url", "command", "email", "apprise", "ping", "metrics")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+")
_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
# What a channel needs on the host, and where it comes from.
_PROGRAMS = {
    "email": ("sendmail", "install a mail transfer agent, such as the package msmtp-mta or postfix"),
    "apprise": ("apprise", "install the package apprise"),
}


def problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    alarms = values.get(NAME)
    # The argument spec adds the keys that are not given.
    if not isinstance(alarms, Mapping) or all(value is None for value in alarms.values()):
        return
    if not any(alarms.get(name) for name in _TELLING):
        yield f"{NAME}: it tells nobody: set one of {', '.join(_TELLING)}, or leave the variable out."
    yield from _wrong_targets(alarms)
    for name in ("queue_tasks", "queue_minutes"):
        if isinstance(alarms.get(name), int) and alarms[name] < 1:
            yield f"{NAME}: {name}: {alarms[name]} is too low: set 1 or more, or leave it out."


def _wrong_targets(alarms: Mapping[str, Any]) -> Iterator[str]:
    for name in ("url", "ping"):
        if alarms.get(name) and (fault := _url_fault(str(alarms[name]))):
            yield f"{NAME}: {name}: {fault}: correct it."
    if alarms.get("email") and not _ADDRESS.fullmatch(str(alarms["email"])):
        yield f"{NAME}: email: it is not one e-mail address: write it as in ops@example.com, without a name."
    if alarms.get("command") and not _is_command(str(alarms["command"])):
        yield (
            f"{NAME}: command: it does not begin with the path of a program of the host, or a quote in it is not"
            " closed: write it as in /usr/local/bin/tell --loud."
        )
    if not all(_APPRISE.fullmatch(str(url)) for url in alarms.get("apprise") or ()):
        yield f"{NAME}: apprise: an entry is not a URL of Apprise: write each as in tgram://TOKEN/CHAT."
    if alarms.get("metrics") and not str(alarms["metrics"]).startswith("/"):
        yield f"{NAME}: metrics: it is not the path of a folder of the host: begin it with /."


def programs(values: Mapping[str, Any]) -> list[str]:
    """Return the programs to look for on the host."""
    alarms = values.get(NAME) or {}
    return [program for name, (program, _cure) in _PROGRAMS.items() if isinstance(alarms, Mapping) and alarms.get(name)]


def host_problems(values: Mapping[str, Any], probe: Mapping[str, Any]) -> Iterator[str]:
    """What the host lacks for the channels."""
    for name, (program, cure) in _PROGRAMS.items():
        if program in programs(values) and not probe.get("programs", {}).get(program):
            yield f"{NAME}: {name}: the host has no program {program}: {cure}, or remove {name}."


def _url_fault(url: str) -> str:
    try:
        post.request(url, "")
    except ValueError as error:
        return str(error)
    return ""


def _is_command(command: str) -> bool:
    try:
        return command.startswith("/") and "\0" not in command and bool(shlex.split(command))
    except ValueError:
        return False
