# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The numbers that containers run as. Each service has its own, so that none can read what another one may.

Private to this collection.
"""

from __future__ import annotations

DATABASE, REDIS, FRONT = 10002, 10003, 10004
_SERVICES = {str(DATABASE): "the database", str(REDIS): "Redis", str(FRONT): "the front"}


def service_of(user: object) -> str:
    """Return the service that runs as this user, a number or `uid:gid`; empty where the number is free."""
    return _SERVICES.get(str(user).partition(":")[0], "")
