# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each role beside `stack` checks before its first change.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._preflight import backup, certificate, docker, front

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """`asked` are arguments of the module host_probe; `of_variables` needs no host, `of_host` what that module told."""

    asked: Callable[[Values], dict[str, Any]]
    of_variables: Callable[[Values], Iterable[str]]
    of_host: Callable[[Values, Mapping[str, Any]], Iterable[str]]


CHECKS = {
    "docker": Check(docker.asked, docker.problems_of, docker.host_problems),
    "nginx": Check(front.asked, front.problems_of, front.role_problems),
    "letsencrypt": Check(certificate.asked, certificate.problems_of, certificate.host_problems),
    "backup": Check(backup.asked, backup.problems_of, backup.host_problems),
}
