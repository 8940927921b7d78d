# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hand a service's data and secrets over to the user that its container runs as, before the container starts.

A volume gets its owner from the image, or had it under an earlier version of this collection. Private to this
collection.
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
    """Create the containers of these services without starting them, and hand over what they mount.

    Compose stops a container that it replaces. Returns the folders whose owner changed.
    """
    wanted = list(services)
    # What it cannot read may be why it starts again and again.
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
    """Who reads the secrets of each service: the user of the container there is, else the one it is to have."""
    users = {service_of(item): parse_user(item["Config"]["User"]) for item in _containers_of(compose, configured)}
    present = {service: user[0] for service, user in users.items() if user is not None}
    return {**configured, **present}


def _containers_of(compose: Compose, services: Iterable[str]) -> list[dict[str, Any]]:
    wanted = set(services)
    return [item for item in compose.containers().values() if service_of(item) in wanted]


def parse_user(user: str) -> tuple[int, int] | None:
    """The uid and gid of a container's user. None for root, whom every file obeys, and for a name."""
    uid, _colon, gid = user.partition(":")
    if not uid.isdigit() or int(uid) == 0:
        return None
    return int(uid), int(gid) if gid.isdigit() else int(uid)


def _exclusive_mounts(item: Mapping[str, Any]) -> list[str]:
    """The places on this host that a container has for itself: its secrets, and volumes that no other one mounts."""
    places = []
    for mount in item["Mounts"]:
        secrets = mount["Type"] == "bind" and mount["Destination"] == SECRETS
        data = mount["Type"] == "volume" and mount["Driver"] == "local" and mount["RW"]
        if secrets or (data and [other["Id"] for other in containers([f"volume={mount['Name']}"])] == [item["Id"]]):
            places.append(mount["Source"])
    return places


def hand_over(place: str, uid: int, gid: int) -> bool:
    """Give a folder and all in it to a user; True where something belonged to somebody else.

    No link is followed, and no device is given away. Nobody else may write there meanwhile.
    """
    changed = False
    for _path, folders, files, folder in os.fwalk(place, topdown=False):
        for name in (*folders, *files):
            changed |= _change_owner(name, uid, gid, folder)
    # Last: a place whose owner is right has been handed over to its end.
    return _change_owner(place, uid, gid, None) or changed


def _change_owner(name: str, uid: int, gid: int, folder: int | None) -> bool:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if (found.st_uid, found.st_gid) == (uid, gid) or stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode):
        return False
    os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)
    return True
