# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change secrets in a stack's servers and for its project, with none of them refused at any moment.

Begin: the servers take the new passwords beside the old ones, and the files hold the new ones. Then a release brings
them to the project. Finish: the old ones are refused. A rotation that was interrupted goes on where it was, or is given
up: then it goes back, with the same steps. Each step may be repeated, whatever the server takes at that time.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES, Compose
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secrets import dotenv, redis_users
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    DATABASE,
    DATABASE_ROOT,
    KEY,
    REDIS,
    Changes,
    Store,
    generate,
)

# The project's settings before the rotation, by which those of kept releases are brought up to date.
_FORMER = "former.env"
_GIVEN_UP = "given_up"
_SERVICES = {DATABASE: "db", DATABASE_ROOT: "db", REDIS: "redis"}
# Each reads the password from the first line of its input, so that it is on no command line.
_AS_ROOT = "read -r MYSQL_PWD; export MYSQL_PWD; exec mysql --user=root --batch --skip-column-names"
_AS_PROJECT = (
    'read -r MYSQL_PWD; export MYSQL_PWD; exec mysql --protocol=tcp --host=127.0.0.1 --user="$MYSQL_USER" --batch'
)
_REDIS = 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli -e --user "$0"'
# What a server says to a wrong password, and to a user without the right.
_REFUSED = ("Access denied", "WRONGPASS", "NOPERM")


class Rotation:
    """The rotation of one stack, whose files lie in `root`."""

    def __init__(self, root: Path, store: Store, compose: Compose):
        self.root = root
        self.store = store
        self.compose = compose

    def chosen(self, names: Collection[str], given: Mapping[str, str], elsewhere: str = "") -> Changes:
        """What is to change, with its `old` and `new` value: an interrupted rotation goes on before another begins.

        Only what the stack has is changed. `elsewhere` is the host of the project's database where it is another one
        than the stack's own: there the user changes the password, and gives it here.
        """
        retiring = self.store.retiring()
        if retiring:
            _check_given(
                retiring, given, "is being changed to another value: give that one up with rotate_give_up first"
            )
            return retiring
        services = self._services()
        present = {
            name: value
            for name, value in self.store.read().items()
            if name in names and (name == KEY or _SERVICES[name] in services)
        }
        if elsewhere and DATABASE in present and given.get(DATABASE, "") in ("", present[DATABASE]):
            del present[DATABASE]
            if set(names) == {DATABASE}:
                raise ReleaseError(
                    f"{DATABASE}: the project's database is at {elsewhere}: change the password there, so that it takes"
                    " both, give the new one in the inventory, and run the playbook landfall.django.rotate again"
                )
        if same := [name for name, value in present.items() if given.get(name) == value]:
            raise ReleaseError(
                f"{', '.join(same)}: the inventory gives the value that is in use: give the new one there, take it out"
                " to have one made, or leave its name out of rotate_secrets"
            )
        return {name: {"old": value, "new": given.get(name) or generate()} for name, value in present.items()}

    def given_up(self, given: Mapping[str, str]) -> Changes:
        """The rotation that is under way, turned round: what was the old value is to stay."""
        turned = {
            name: change if _GIVEN_UP in change else {"old": change["new"], "new": change["old"], _GIVEN_UP: "yes"}
            for name, change in self.store.retiring().items()
        }
        _check_given(
            turned, given, "goes back to the value that it had: give that one, or take it out of the inventory"
        )
        return turned

    def begin(self, chosen: Changes, fallback: bool) -> None:
        """Let the servers take both values, and have the new ones in the files.

        Without `fallback`, what was signed with a former secret key is not believed any more.
        """
        if not fallback:
            self.store.write_fallback("")
        if not chosen:
            return
        has_database = self._database(chosen)
        if self.store.retiring() != chosen:
            replace(self.store.folder / _FORMER, (self.root / ".env").read_bytes(), 0o400)
            self.store.write_retiring(chosen)
        for name, change in chosen.items():
            if name == KEY:
                self.store.write_fallback(change["old"] if fallback else "")
            elif name == REDIS:
                # Its list of users first, for a server that starts meanwhile.
                self._set_redis_passwords(change["new"], change["old"])
            elif has_database:
                self._add_database_password(name, change)
            self.store.write({name: change["new"]})

    def finish(self) -> list[str]:
        """Let the servers refuse the old values. Raises ReleaseError where the project still has one of them."""
        retiring = self.store.retiring()
        if not retiring:
            return []
        passwords = {name: change for name, change in retiring.items() if name != KEY}
        now = dotenv.load(_read(self.root / ".env"))
        for change in passwords.values():
            if held := variables_with(now, change["old"]):
                raise ReleaseError(
                    f"{', '.join(held)} in .env still has an old password, so both stay valid: let stack_environment"
                    " and stack_secrets refer to stack_database_password or stack_redis_password instead of repeating"
                    " it, and run the playbook landfall.django.rotate again"
                )
        has_database = self._database(passwords)
        for name, change in passwords.items():
            if name == REDIS:
                self._set_redis_passwords(change["new"])
            elif has_database:
                self._discard_old_database_password(name, change["new"])
        self._update_kept_releases(now)
        self.store.write_retiring({})
        self.store.write(self.store.read())
        (self.store.folder / _FORMER).unlink(missing_ok=True)
        return sorted(retiring)

    def _database(self, changes: Changes) -> bool:
        """Whether there is a database to be told. Raises ReleaseError where it is there and does not run.

        Redis need not run, since it reads its file when it starts.
        """
        present = "db" in self._services()
        if present and {DATABASE, DATABASE_ROOT} & set(changes) and not self._is_running("db"):
            raise ReleaseError("db does not run, and cannot be told of another password: deploy the stack first")
        return present

    def _services(self) -> list[str]:
        return self.compose("config", "--services").split()

    def _is_running(self, service: str) -> bool:
        return any(item["State"]["Running"] for item in self.compose.containers(service).values())

    def _update_kept_releases(self, now: dict[str, str]) -> None:
        """A release that one may go back to gets the settings that the rotation changed."""
        former = dotenv.load(_read(self.store.folder / _FORMER))
        for file in (self.root / "releases").glob("*/.env"):
            text = _read(file)
            brought = with_new_values(text, former, now)
            if brought != text:
                replace(file, brought.encode(), FILES[".env"])

    def _add_database_password(self, name: str, change: Mapping[str, str]) -> None:
        if self._accepts(name, change["new"]):
            return
        user = self._user(name)
        # What is retained is whichever was said last, so that is the old one, whatever had been retained before.
        self._as_root(
            f"ALTER USER {user} IDENTIFIED BY '{change['old']}';"
            f" ALTER USER {user} IDENTIFIED BY '{change['new']}' RETAIN CURRENT PASSWORD;"
        )

    def _discard_old_database_password(self, name: str, password: str) -> None:
        user = self._user(name)
        # Said once more, it is the current one, and what may be retained is the other.
        self._as_root(f"ALTER USER {user} IDENTIFIED BY '{password}'; ALTER USER {user} DISCARD OLD PASSWORD;")

    def _user(self, name: str) -> str:
        if name == DATABASE_ROOT:
            return "'root'@'localhost'"
        return f"'{self.compose('exec', '-T', 'db', 'printenv', 'MYSQL_USER').strip()}'@'%'"

    def _accepts(self, name: str, password: str) -> bool:
        program = _AS_ROOT if name == DATABASE_ROOT else _AS_PROJECT
        return self._refusal("db", program, ("root", password), "SELECT 1;") is None

    def _as_root(self, statements: str) -> None:
        # The file's value is the one or the other, depending on where an earlier run was interrupted.
        self._run(
            "db", _AS_ROOT, [("root", password) for password in self._possible_passwords(DATABASE_ROOT)], statements
        )

    def _set_redis_passwords(self, *passwords: str) -> None:
        known = self._possible_passwords(REDIS)
        self.store.write_users(list(passwords))
        if self._is_running("redis"):
            # A server that an earlier version of this collection has started knows no administrator yet.
            logins = [
                (redis_users.ADMINISTRATOR, self.store.administrator()),
                *(("default", password) for password in known),
            ]
            self._run("redis", _REDIS, logins, "ACL LOAD")

    def _possible_passwords(self, name: str) -> list[str]:
        """The passwords that a server may take, the likeliest first."""
        change = self.store.retiring().get(name, {})
        known = [self.store.read().get(name, ""), change.get("new", ""), change.get("old", "")]
        return [password for password in dict.fromkeys(known) if password]

    def _run(self, service: str, program: str, logins: list[tuple[str, str]], said: str) -> None:
        """Say something to a server by the first login that it takes. Raises its refusal where it takes none."""
        refusal: DockerError | None = None
        for login in logins:
            refusal = self._refusal(service, program, login, said)
            if refusal is None:
                return
        raise refusal or DockerError(f"there is no password of {service}")

    def _refusal(self, service: str, program: str, login: tuple[str, str], said: str) -> DockerError | None:
        user, password = login
        try:
            self.compose("exec", "-T", service, "sh", "-c", program, user, given=f"{password}\n{said}\n")
        except DockerError as error:
            if any(word in str(error) for word in _REFUSED):
                return error
            raise
        return None


def _check_given(changes: Changes, given: Mapping[str, str], otherwise: str) -> None:
    if wrong := [name for name, change in changes.items() if given.get(name, "") not in ("", change["new"])]:
        raise ReleaseError(f"{', '.join(wrong)}: a rotation is under way, and this {otherwise}")


def variables_with(environment: Mapping[str, str], secret: str) -> list[str]:
    """The names of variables that hold a secret, by itself or as a part."""
    whole = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(secret)}(?![A-Za-z0-9_-])")
    return [name for name, value in environment.items() if whole.search(value)]


def with_new_values(text: str, former: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A dotenv file in which each value that is still the former one has become the present one."""
    lines = []
    for line in text.split("\n"):
        for name, value in dotenv.load(line).items():
            if name in now and value == former.get(name) != now[name]:
                line = f"{name}={dotenv.quote(now[name])}"
        lines.append(line)
    return "\n".join(lines)


def _read(file: Path) -> str:
    # As bytes: a carriage return in a value stays one.
    return file.read_bytes().decode()
