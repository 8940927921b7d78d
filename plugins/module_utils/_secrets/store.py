# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack's secrets: each in a file of its own, which only root and the one container that needs it can read.

Private to this collection.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users

KEY, DATABASE, DATABASE_ROOT, REDIS = (
    "stack_secret_key",
    "stack_database_password",
    "stack_database_root_password",
    "stack_redis_password",
)
# By the variable that gives it. A container mounts the folder of its own.
FILES = {KEY: "secret_key", DATABASE: "db/password", DATABASE_ROOT: "db/root_password", REDIS: "redis/password"}
# The users of the services' containers, by number, where the caller does not say otherwise.
OWNERS = {"db": 10002, "redis": 10003}
_USERS = "redis/users.acl"
# Of the user who has Redis read its list of users again. Nobody gives it.
_ADMINISTRATOR = "redis/admin_password"
_FALLBACK = "secret_key_fallback"
_RETIRING = "retiring.json"

# 48 random bytes are 64 characters of [A-Za-z0-9_-]: above Django's 50 for SECRET_KEY, and free of the quotes and
# backslashes that the MySQL image would paste unescaped into SQL.
_BYTES = 48

# What changes in a rotation, by name: its `old` and its `new` value.
Changes = dict[str, dict[str, str]]


def generate() -> str:
    """A new secret."""
    return secrets.token_urlsafe(_BYTES)


def resolve(given: dict[str, str], kept: dict[str, str] | None) -> dict[str, str]:
    """Return the value of every secret named in `given`.

    An empty value in `given` means: keep the one there is, else make one. `kept` is what the host holds, None before
    the first run. A server's password can be neither changed nor replaced here once there is one, since the server
    would not follow: that raises ValueError with one sentence for each.
    """
    problems = []
    values = {}
    for name, value in given.items():
        present = (kept or {}).get(name, "")
        if kept is not None and name != KEY:
            if not present:
                problems.append(f"{FILES[name]} is gone, but the server's data was made with it: put it back")
            elif value and value != present:
                problems.append(
                    f"{name} differs from the one in use: the playbook landfall.django.rotate changes it, in the server"
                    " and in the project; or take the variable out of the inventory to keep the present one"
                )
        values[name] = value or present or generate()
    if problems:
        raise ValueError("; ".join(problems))
    return values


def parse_owners(owners: Mapping[str, object]) -> dict[str, int]:
    """The users of the services' containers. Raises ValueError for one that is not given by its number."""
    unknown = [f"{name}: {owner}" for name, owner in owners.items() if name not in OWNERS or not str(owner).isdigit()]
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)}: the user of a data service is given by its number, as in stack_compose_override:"
            ' {services: {db: {user: "999:999"}}}'
        )
    return {**OWNERS, **{name: int(str(owner)) for name, owner in owners.items()}}


class Store:
    """The folder `secrets` of a stack. `owners` are the users of the data services' containers, by number."""

    def __init__(self, folder: Path, owners: Mapping[str, int]):
        self.folder = folder
        self.owners = owners

    def read(self) -> dict[str, str]:
        """The secrets that are there."""
        present = {name: self.folder / file for name, file in FILES.items()}
        return {name: file.read_text() for name, file in present.items() if file.exists()}

    def fallbacks(self) -> list[str]:
        """Former values of the secret key that are still to be believed."""
        file = self.folder / _FALLBACK
        return file.read_text().splitlines() if file.exists() else []

    def retiring(self) -> Changes:
        """Secrets whose server takes the `old` value beside the `new` one, by name."""
        file = self.folder / _RETIRING
        return json.loads(file.read_text()) if file.exists() else {}

    def write(self, values: dict[str, str]) -> list[str]:
        """Bring the files to these values, with their owners and permissions; return the names of those changed."""
        self._folders()
        changed = [file for name, file in FILES.items() if name in values and self._put(file, values[name])]
        if REDIS in values:
            change = self.retiring().get(REDIS, {})
            changed += self.write_users([values[REDIS], *(change[age] for age in ("old", "new") if age in change)])
        return changed

    def write_users(self, passwords: list[str]) -> list[str]:
        """Have Redis's list of users take any of these passwords; return the names of the files that changed."""
        password = self.administrator() or generate()
        contents = {_ADMINISTRATOR: password, _USERS: redis_users.acl(passwords, password)}
        return [file for file, content in contents.items() if self._put(file, content)]

    def administrator(self) -> str:
        """The password of the user who has Redis read its list of users; empty where there is none yet."""
        file = self.folder / _ADMINISTRATOR
        return file.read_text() if file.exists() else ""

    def write_fallback(self, key: str) -> None:
        """Keep a former secret key, or none."""
        self._put_or_remove(_FALLBACK, key)

    def write_retiring(self, retiring: Changes) -> None:
        """Remember which secrets are about to change, before anything does."""
        self._put_or_remove(_RETIRING, json.dumps(retiring) if retiring else "")

    def _folders(self) -> None:
        self.folder.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Nobody passes through it but root, whoever else on the host has the number of a container's user.
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)
        for name in OWNERS:
            folder = self.folder / name
            folder.mkdir(mode=0o500, exist_ok=True)
            folder.chmod(0o500)
            os.chown(folder, self.owners[name], 0)

    def _put(self, file: str, content: str) -> bool:
        path = self.folder / file
        uid = self.owners[path.parent.name] if "/" in file else 0
        if path.exists():
            is_now = path.stat()
            if (is_now.st_uid, is_now.st_mode & 0o777) == (uid, 0o400) and path.read_text() == content:
                return False
        replace(path, content.encode(), 0o400, uid)
        return True

    def _put_or_remove(self, file: str, content: str) -> None:
        if content:
            self._put(file, content)
        else:
            (self.folder / file).unlink(missing_ok=True)
