# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack's secrets, each in its own file, readable only by root and the container that needs it.

Private to this collection.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker import users
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users

KEY, USER, DATABASE, DATABASE_ROOT, REDIS = (
    "stack_secret_key",
    "stack_database_user",
    "stack_database_password",
    "stack_database_root_password",
    "stack_redis_password",
)
# Variable to file. A container mounts only its own folder.
FILES = {
    KEY: "secret_key",
    # Not a secret, but a rotation may change it together with the password.
    USER: "db/user",
    DATABASE: "db/password",
    DATABASE_ROOT: "db/root_password",
    REDIS: "redis/password",
}
ROTATED = (KEY, DATABASE, DATABASE_ROOT, REDIS)
# Default uid of each service's container.
OWNERS = {"db": users.DATABASE, "redis": users.REDIS}
_USERS = "redis/users.acl"
# Of the user who can only reload Redis's list of users. Always generated.
_ADMINISTRATOR = "redis/admin_password"
_FALLBACK = "secret_key_fallback"
_RETIRING = "retiring.json"

# 48 random bytes are 64 characters of [A-Za-z0-9_-]: above Django's 50 for SECRET_KEY, and free of the quotes and
# backslashes that the MySQL image would paste unescaped into SQL.
_BYTES = 48

# The secrets that a rotation changes, by variable, each with its `old` and `new` value.
Changes = dict[str, dict[str, str]]


def generate() -> str:
    """Generate a random secret."""
    return secrets.token_urlsafe(_BYTES)


def resolve(given: dict[str, str], kept: dict[str, str] | None, user: str) -> dict[str, str]:
    """Return the value of every secret named in `given`.

    An empty value in `given` means the one in `kept`, else a generated one, and `user` for the database's user. `kept`
    are the secrets on the host, None before the first run. Raises ValueError, with one sentence for each, where a
    server's password would be changed or is missing: the server would still have the former one.
    """
    problems = []
    values = {}
    for name, value in given.items():
        present = (kept or {}).get(name, "")
        if name == USER:
            if value and present and value != present:
                problems.append(
                    f"{name} differs from the user that the server knows: set it to {present}, or remove the variable"
                    " from the inventory"
                )
            values[name] = value or present or user
            continue
        if kept is not None and name != KEY:
            if not present:
                problems.append(
                    f"{FILES[name]} is missing, but the server's data was created with this password: restore the file"
                )
            elif value and value != present:
                problems.append(
                    f"{name} differs from the password in use: run the playbook landfall.django.rotate to change it in"
                    " the server and in the project, or remove the variable from the inventory to keep the present one"
                )
        values[name] = value or present or generate()
    if problems:
        raise ValueError("; ".join(problems))
    return values


def parse_owners(owners: Mapping[str, object]) -> dict[str, int]:
    """Return the uid of each service's container. Raises ValueError for an unknown service or a user name."""
    unknown = [f"{name}: {owner}" for name, owner in owners.items() if name not in OWNERS or not str(owner).isdigit()]
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)}: the user of db and of redis must be a number. Set it in stack_compose_override, as"
            ' in {services: {db: {user: "999:999"}}}'
        )
    return {**OWNERS, **{name: int(str(owner)) for name, owner in owners.items()}}


class Store:
    """The folder `secrets` of a stack. `owners` are the uids of the containers db and redis."""

    def __init__(self, folder: Path, owners: Mapping[str, int]):
        self.folder = folder
        self.owners = owners

    def read(self) -> dict[str, str]:
        """Return the secrets that exist, by variable."""
        present = {name: self.folder / file for name, file in FILES.items()}
        return {name: file.read_text() for name, file in present.items() if file.exists()}

    def fallbacks(self) -> list[str]:
        """Return the former secret keys whose signatures are still valid."""
        file = self.folder / _FALLBACK
        return file.read_text().splitlines() if file.exists() else []

    def retiring(self) -> Changes:
        """Return the rotation in progress: secrets whose server accepts the `old` value beside the `new` one."""
        file = self.folder / _RETIRING
        return json.loads(file.read_text()) if file.exists() else {}

    def write(self, values: dict[str, str]) -> list[str]:
        """Write the files of these secrets with their owners and modes. Return the files that changed."""
        self._folders()
        changed = [file for name, file in FILES.items() if name in values and self._put(file, values[name])]
        if REDIS in values:
            change = self.retiring().get(REDIS, {})
            changed += self.write_users([values[REDIS], *(change[age] for age in ("old", "new") if age in change)])
        return changed

    def write_users(self, passwords: list[str]) -> list[str]:
        """Write Redis's list of users, with any of these passwords. Return the files that changed."""
        password = self.administrator() or generate()
        contents = {_ADMINISTRATOR: password, _USERS: redis_users.acl(passwords, password)}
        return [file for file, content in contents.items() if self._put(file, content)]

    def administrator(self) -> str:
        """Return the password of Redis's administrator; empty where there is none yet."""
        file = self.folder / _ADMINISTRATOR
        return file.read_text() if file.exists() else ""

    def write_fallback(self, key: str) -> None:
        """Write the former secret key; an empty one removes the file."""
        self._put_or_remove(_FALLBACK, key)

    def write_retiring(self, retiring: Changes) -> None:
        """Record the secrets that are about to change; an empty dictionary removes the record."""
        self._put_or_remove(_RETIRING, json.dumps(retiring) if retiring else "")

    def _folders(self) -> None:
        self.folder.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Only root may enter it: a user of the host may have the same uid as a container.
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
            state = path.stat()
            if (state.st_uid, state.st_mode & 0o777) == (uid, 0o400) and path.read_text() == content:
                return False
        replace(path, content.encode(), 0o400, uid)
        return True

    def _put_or_remove(self, file: str, content: str) -> None:
        if content:
            self._put(file, content)
        else:
            (self.folder / file).unlink(missing_ok=True)
