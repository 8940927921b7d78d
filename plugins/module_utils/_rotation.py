# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change secrets in a stack's servers and for its project, with none of them refused at any moment.

Begin: the servers take the new passwords beside the old ones, and the files hold the new ones. Then a release brings
them to the project. Finish: the old ones are refused. A rotation that was interrupted goes on where it was.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils import _dotenv
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES, Compose
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secret_store import (
    DATABASE_ROOT,
    KEY,
    REDIS,
    Store,
    digest,
    make,
)

# The project's settings before the rotation, by which those of kept releases are brought up to date.
_FORMER = "former.env"
_SQL = 'MYSQL_PWD="$(cat /run/secrets/root_password)" exec mysql --user=root --batch --skip-column-names'
_HAVE_TWO = (
    "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user"
    " WHERE JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password');"
)
_REDIS = 'REDISCLI_AUTH="$(cat /run/secrets/password)" exec redis-cli -e'


class Rotation:
    """The rotation of one stack, whose files lie in `root`."""

    def __init__(self, root: Path, store: Store, compose: Compose):
        self.root = root
        self.store = store
        self.compose = compose

    def chosen(self, names: Collection[str], given: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """What is to change, with its `old` and `new` value: an interrupted rotation goes on before another begins."""
        retiring = self.store.retiring()
        if retiring:
            return retiring
        present = {name: value for name, value in self.store.read().items() if name in names}
        if same := [name for name, value in present.items() if given.get(name) == value]:
            raise ReleaseError(
                f"{', '.join(same)}: the inventory gives the value that is in use: give the new one there, take it out"
                " to have one made, or leave its name out of rotate_secrets"
            )
        return {name: {"old": value, "new": given.get(name) or make()} for name, value in present.items()}

    def begin(self, chosen: dict[str, dict[str, str]], fallback: bool) -> None:
        """Let the servers take both values, and have the new ones in the files.

        Without `fallback`, what was signed with a former secret key is not believed any more.
        """
        if not fallback:
            self.store.write_fallback("")
        if not chosen:
            return
        former = self.store.folder / _FORMER
        if not former.exists():
            replace(former, (self.root / ".env").read_bytes(), 0o400)
        self.store.write_retiring(chosen)
        for name, change in chosen.items():
            if name == KEY:
                self.store.write_fallback(change["old"] if fallback else "")
            elif name == REDIS:
                # Its list of users first, for a server that starts anew meanwhile.
                self.store.write({REDIS: self.store.read()[REDIS]})
                self._redis(f"ACL SETUSER default #{digest(change['new'])}")
            elif not self._has_two(name):
                self._sql(f"ALTER USER {self._user(name)} IDENTIFIED BY '{change['new']}' RETAIN CURRENT PASSWORD;")
            self.store.write({name: change["new"]})

    def finish(self) -> list[str]:
        """Let the servers refuse the old values. Raises ReleaseError where the project still has one of them."""
        retiring = self.store.retiring()
        if not retiring:
            return []
        passwords = {name: change for name, change in retiring.items() if name != KEY}
        now = _dotenv.load(_text(self.root / ".env"))
        for change in passwords.values():
            if held := holders(now, change["old"]):
                raise ReleaseError(
                    f"{', '.join(held)} in .env still has an old password, so both stay valid: let stack_environment"
                    " and stack_secrets refer to stack_database_password or stack_redis_password instead of repeating"
                    " it, and run the playbook landfall.django.rotate again"
                )
        for name, change in passwords.items():
            if name == REDIS:
                self._redis(f"ACL SETUSER default resetpass #{digest(change['new'])}")
            else:
                self._sql(f"ALTER USER {self._user(name)} DISCARD OLD PASSWORD;")
        self._bring_kept_up_to_date(now)
        self.store.write_retiring({})
        self.store.write(self.store.read())
        (self.store.folder / _FORMER).unlink(missing_ok=True)
        return sorted(retiring)

    def _bring_kept_up_to_date(self, now: dict[str, str]) -> None:
        """A release that one may go back to gets the settings that the rotation changed."""
        former = _dotenv.load(_text(self.store.folder / _FORMER))
        for file in (self.root / "releases").glob("*/.env"):
            text = _text(file)
            brought = carried(text, former, now)
            if brought != text:
                replace(file, brought.encode(), FILES[".env"])

    def _user(self, name: str) -> str:
        return "'root'@'localhost'" if name == DATABASE_ROOT else f"'{self._database_user()}'@'%'"

    def _database_user(self) -> str:
        return self.compose("exec", "-T", "db", "printenv", "MYSQL_USER").strip()

    def _has_two(self, name: str) -> bool:
        # To retain twice would retain the new one.
        return self._user(name) in self._sql(_HAVE_TWO).splitlines()

    def _sql(self, statement: str) -> str:
        return self.compose("exec", "-T", "db", "sh", "-c", _SQL, given=statement).strip()

    def _redis(self, command: str) -> str:
        return self.compose("exec", "-T", "redis", "sh", "-c", _REDIS, given=f"{command}\n").strip()


def holders(environment: Mapping[str, str], secret: str) -> list[str]:
    """The names of variables that hold a secret, by itself or as a part."""
    whole = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(secret)}(?![A-Za-z0-9_-])")
    return [name for name, value in environment.items() if whole.search(value)]


def carried(text: str, former: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A dotenv file in which each value that is still the former one has become the present one."""
    lines = []
    for line in text.split("\n"):
        for name, value in _dotenv.load(line).items():
            if name in now and value == former.get(name) != now[name]:
                line = f"{name}={_dotenv.quote(now[name])}"
        lines.append(line)
    return "\n".join(lines)


def _text(file: Path) -> str:
    # As bytes: a carriage return in a value stays one.
    return file.read_bytes().decode()
