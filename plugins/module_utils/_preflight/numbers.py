# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bounds of every number among the roles' variables. One sentence a problem: the variable, the fault, the cure.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PORT = (1, 65535, "is not a port")
_DAY = 86400
# The least, the most, and what is wrong with any other. Above the most, a number is a slip of the pen.
BOUNDS: dict[str, tuple[int, int, str]] = {
    "stack_disk_free_minimum_mib": (0, 2**30, "is not a size in MiB"),
    "stack_media_maximum_mib": (0, 2**30, "is neither a size nor 0 for no bound"),
    "stack_image_refresh_days": (0, 36500, "is neither a number of days nor 0 for never"),
    "stack_port": _PORT,
    "stack_database_port": _PORT,
    "stack_health_timeout": (1, _DAY, "is no time to become healthy in"),
    "stack_stop_timeout": (0, 7 * _DAY, "is no time to end tasks in"),
    "stack_web_replicas": (1, 1000, "would serve nobody, or more than a host can"),
    "stack_releases_kept": (1, 1000, "would leave no release to go back to, or more than a disk holds"),
    "hardening_swap_mib": (0, 2**16, "is neither a size in MiB nor 0 for no swap"),
    "nginx_http_port": _PORT,
    "nginx_https_port": _PORT,
    "nginx_site_requests": (2, 1000000, "would serve nobody beside another, or is no limit"),
    "nginx_site_logins_per_minute": (1, 1000000, "would let nobody in, or is no limit"),
    "nginx_site_timeout": (1, _DAY, "is no time to answer in"),
    "nginx_site_websocket_timeout": (1, 7 * _DAY, "is no time to be silent for"),
    "nginx_hsts_seconds": (0, 10 * 366 * _DAY, "is no time that a browser can remember"),
    "backup_copies": (1, 1000, "would leave no backup on the host, or more than a disk holds"),
    "backup_overdue_hours": (1, 24 * 366, "is no age of a backup"),
    "backup_drill_overdue_days": (1, 366, "is no age of a drill"),
    "letsencrypt_https_port": (0, 65535, "is neither a port nor 0 for no check"),
}


def problems_of(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What is out of bounds of the values that are whole numbers and whose names begin with `prefix`."""
    for name, (least, most, fault) in BOUNDS.items():
        value = values.get(name)
        if not name.startswith(prefix) or not isinstance(value, int) or least <= value <= most:
            continue
        yield f"{name}: {value} {fault}: give a number from {least} to {most}."
