# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change the owner of a service's data and secrets to its container's user, before the container starts.

A volume has the owner that the image, or an earlier version of this collection, gave it. Private to this collection.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import containers
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose, service_of

SECRETS = "/run/secrets"


def prepare(compose: Compose, services: Iterable[str]) -> list[str]:
    """Create the containers of these services without starting them, and change the owner of what they mount.

    Compose stops a container that it replaces. Return the folders whose owner changed.
    """
    wanted = list(services)
    # A container in a restart loop may lack the right to read its files: it has to stop for the change.
    if failing := [service_of(item) for item in _containers_of(compose, wanted) if item["State"]["Restarting"]]:
        compose("stop", *failing)
    compose("create", *wanted)
    changed = []
    for item in _containers_of(compose, wanted):
        user = parse_user(item["Config"]["User"])
        if user is not None and not item["State"]["Running"]:
            changed += [place for place in _exclusive_mounts(item) if hand_over(place, *user)]
    return changed


def owners(compose: Compose, configured: Mapping[str, int]) -> dict[str, int]:
    """Return the uid that reads the secrets of each service: that of its container, else the configured one."""
    users = {service_of(item): parse_user(item["Config"]["User"]) for item in _containers_of(compose, configured)}
    present = {service: user[0] for service, user in users.items() if user is not None}
    return {**configured, **present}


def _containers_of(compose: Compose, services: Iterable[str]) -> list[dict[str, Any]]:
    wanted = set(services)
    return [item for item in compose.containers().values() if service_of(item) in wanted]


def parse_user(user: str) -> tuple[int, int] | None:
    """Return the uid and gid of a container's user. None for root, which needs no change, and for a user name."""
    uid, _colon, gid = user.partition(":")
    if not uid.isdigit() or int(uid) == 0:
        return None
    return int(uid), int(gid) if gid.isdigit() else int(uid)


def _exclusive_mounts(item: Mapping[str, Any]) -> list[str]:
    """Return the folders that only this container mounts: its secrets, and volumes that no other container has."""
    places = []
    for mount in item["Mounts"]:
        secrets = mount["Type"] == "bind" and mount["Destination"] == SECRETS
        data = mount["Type"] == "volume" and mount["Driver"] == "local" and mount["RW"]
        if secrets or (data and [other["Id"] for other in containers([f"volume={mount['Name']}"])] == [item["Id"]]):
            places.append(mount["Source"])
    return places


def hand_over(place: str, uid: int, gid: int) -> bool:
    """Change the owner of a folder and everything in it. Return whether anything changed.

    Links are not followed, and devices are left unchanged. Nothing else may write there meanwhile.
    """
    changed = False
    for _path, folders, files, folder in os.fwalk(place, topdown=False):
        for name in (*folders, *files):
            changed |= _change_owner(name, uid, gid, folder)
    # Last: the folder's owner says that its content is done.
    return _change_owner(place, uid, gid, None) or changed


def _change_owner(name: str, uid: int, gid: int, folder: int | None) -> bool:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if (found.st_uid, found.st_gid) == (uid, gid) or stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode):
        return False
    os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)
    return True
