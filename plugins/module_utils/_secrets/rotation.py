# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotate the secrets of a stack, in its servers and in its project, without a refused login at any moment.

Begin: the servers accept the new passwords beside the old ones, and the files hold the new ones. A release then brings
them to the project. Finish: the servers refuse the old ones. An interrupted rotation continues where it stopped, or is
given up: then it goes back by the same steps. Each step can be repeated, whichever passwords the server accepts.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._database.engine import SERVICE, Engine
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import FILES, Compose
from ansible_collections.landfall.django.plugins.module_utils._docker.volumes import SECRETS
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._project.secret_files import SecretFiles
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secrets import dotenv, redis_users
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    DATABASE,
    DATABASE_ROOT,
    KEY,
    REDIS,
    USER,
    Changes,
    Store,
    generate,
)

# The project's .env before the rotation, and the name of its set of secret files: by them, kept releases are updated.
_FORMER, _FORMER_FILES = "former.env", "former.files"
_GIVEN_UP = "given_up"
_SERVICES = {DATABASE: SERVICE, DATABASE_ROOT: SERVICE, REDIS: "redis"}
_SECOND = "_2"  # ends the name of the second login, where two take turns
# Fields of a change that a rotation that is given up exchanges.
_PAIRS = (("old", "new"), ("old_user", "new_user"))


class Rotation:
    """The rotation of one stack, whose folder is `root`. `files` is the set of secret files of the serving release."""

    def __init__(self, root: Path, store: Store, compose: Compose, engine: Engine, files: str = ""):
        self.root = root
        self.engine = engine
        self.store = store
        self.compose = compose
        self.files = files
        self.sets = SecretFiles(root)

    def chosen(self, names: Collection[str], given: Mapping[str, str], elsewhere: str = "") -> Changes:
        """Return the secrets to rotate with their `old` and `new` values; those of an interrupted rotation first.

        Only secrets of services that the stack has are rotated. `elsewhere` is the host of the project's database,
        where that is not the stack's own: the user changes that password there, and gives it here. Raises ReleaseError
        where a secret cannot be rotated.
        """
        retiring = self.store.retiring()
        if retiring:
            _check_given(
                retiring, given, "its new value is not the inventory's. Set rotate_give_up to true to undo it first"
            )
            return retiring
        services = self._services()
        present = {
            name: value
            for name, value in self.store.read().items()
            if name in names
            and (name == KEY or _SERVICES.get(name) in services or (name == DATABASE and bool(elsewhere)))
        }
        if elsewhere and DATABASE in present and given.get(DATABASE, "") in ("", present[DATABASE]):
            del present[DATABASE]
            if set(names) == {DATABASE}:
                raise ReleaseError(
                    f"{DATABASE}: the project's database is on {elsewhere}. Change the password there so that the old"
                    " and the new one are accepted, set the variable to the new one in the inventory, and run the"
                    " playbook landfall.django.rotate again"
                )
        if same := [name for name, value in present.items() if given.get(name) == value]:
            raise ReleaseError(
                f"{', '.join(same)}: the inventory has the value that is in use. Set it to a new value, remove it to"
                " have a random one generated, or remove its name from rotate_secrets"
            )
        return {
            name: {"old": value, "new": given.get(name) or generate(), **({} if elsewhere else self._logins(name))}
            for name, value in present.items()
        }

    def _logins(self, name: str) -> dict[str, str]:
        """Return the login that a change replaces and the one that takes its turn, where a login has one password."""
        if name != DATABASE or self.engine.has_dual_passwords:
            return {}
        user = self.store.read()[USER]
        return {"old_user": user, "new_user": other_login(user)}

    def given_up(self, given: Mapping[str, str]) -> Changes:
        """Return the rotation in progress with `old` and `new` exchanged, so that the former values stay.

        Raises ReleaseError where `given` has another value.
        """
        turned = {
            name: change if _GIVEN_UP in change else _exchanged(change)
            for name, change in self.store.retiring().items()
        }
        _check_given(turned, given, "it goes back to the former value: set that one in the inventory, or remove it")
        return turned

    def begin(self, chosen: Changes, fallback: bool) -> None:
        """Make the servers accept both values, and write the new ones into the files.

        Without `fallback`, signatures made with a former secret key are no longer valid.
        """
        if not fallback:
            self.store.write_fallback("")
        if not chosen:
            return
        has_database = self._database(chosen)
        if self.store.retiring() != chosen:
            replace(self.store.folder / _FORMER, (self.root / ".env").read_bytes(), 0o400)
            replace(self.store.folder / _FORMER_FILES, self.files.encode(), 0o400)
            self.store.write_retiring(chosen)
        for name, change in chosen.items():
            if name == KEY:
                self.store.write_fallback(change["old"] if fallback else "")
            elif name == REDIS:
                # The list of users before the password file: a server that starts meanwhile reads the list.
                self._set_redis_passwords(change["new"], change["old"])
            elif has_database:
                self._add_database_password(name, change)
            user = {USER: change["new_user"]} if "new_user" in change else {}
            self.store.write({name: change["new"], **user})

    def finish(self) -> list[str]:
        """Make the servers refuse the old values. Return the names of the rotated secrets.

        Raises ReleaseError where the project still has an old value.
        """
        retiring = self.store.retiring()
        if not retiring:
            return []
        passwords = {name: change for name, change in retiring.items() if name != KEY}
        now, files = dotenv.load(_read(self.root / ".env")), self.sets.read(self.files)
        for change in passwords.values():
            held = [f"{name} in .env" for name in variables_with(now, change["old"])]
            if held := [*held, *(f"{SECRETS}/{name}" for name in variables_with(files, change["old"]))]:
                raise ReleaseError(
                    f"{', '.join(held)} still has an old password, so both passwords stay valid. In"
                    " stack_environment, stack_secrets and stack_secret_files, refer to stack_database_password or"
                    " stack_redis_password instead of repeating the password, and run the playbook"
                    " landfall.django.rotate again"
                )
        has_database = self._database(passwords)
        for name, change in passwords.items():
            if name == REDIS:
                self._set_redis_passwords(change["new"])
            elif has_database:
                self._discard_old_database_password(name, change)
        self._update_kept_releases(now)
        former = self.store.folder / _FORMER_FILES
        self.sets.replace(self.sets.read(_read(former)) if former.exists() else {}, files)
        self.store.write_retiring({})
        self.store.write(self.store.read())
        for name in (_FORMER, _FORMER_FILES):
            (self.store.folder / name).unlink(missing_ok=True)
        return sorted(retiring)

    def _database(self, changes: Changes) -> bool:
        """Return whether the stack has a database. Raises ReleaseError where its password changes and it does not run.

        Redis need not run: it reads its file when it starts.
        """
        present = SERVICE in self._services()
        if present and {DATABASE, DATABASE_ROOT} & set(changes) and not self._is_running(SERVICE):
            raise ReleaseError(f"{SERVICE} does not run, so its passwords cannot be changed: deploy the stack first")
        return present

    def _services(self) -> list[str]:
        return self.compose("config", "--services").split()

    def _is_running(self, service: str) -> bool:
        return any(item["State"]["Running"] for item in self.compose.containers(service).values())

    def _update_kept_releases(self, now: dict[str, str]) -> None:
        """Write the new values into the .env of releases that can be rolled back to."""
        former = dotenv.load(_read(self.store.folder / _FORMER))
        for file in (self.root / "releases").glob("*/.env"):
            text = _read(file)
            updated = with_new_values(text, former, now)
            if updated != text:
                replace(file, updated.encode(), FILES[".env"])

    def _add_database_password(self, name: str, change: Mapping[str, str]) -> None:
        user = self._database_user(name, change)
        if not self._accepts_database_password(user, change["new"]):
            self._run_as_administrator(self.engine.add_password(user, change["old"], change["new"]))

    def _discard_old_database_password(self, name: str, change: Mapping[str, str]) -> None:
        self._run_as_administrator(self.engine.discard_old_password(self._database_user(name, change), change["new"]))
        if "old_user" in change:
            self._run_as_administrator(self.engine.disable_login(change["old_user"]))

    def _database_user(self, name: str, change: Mapping[str, str]) -> str:
        """Return the user who gets the new password."""
        if name == DATABASE_ROOT:
            return self.engine.administrator
        return change.get("new_user") or self.store.read()[USER]

    def _accepts_database_password(self, user: str, password: str) -> bool:
        return self._refusal(self._login(user), password, "SELECT 1;") is None

    def _login(self, user: str) -> list[str]:
        is_administrator = user == self.engine.administrator
        return ["exec", "-T", SERVICE, *self.engine.login_command(administrator=is_administrator, user=user)]

    def _run_as_administrator(self, statements: str) -> None:
        # Where an earlier run was interrupted, the file may hold another password than the server.
        command = self._login(self.engine.administrator)
        self._run([(command, password) for password in self._possible_passwords(DATABASE_ROOT)], statements)

    def _set_redis_passwords(self, *passwords: str) -> None:
        possible = self._possible_passwords(REDIS)
        self.store.write_users(list(passwords))
        if self._is_running("redis"):
            # A server that an earlier version of this collection started does not know the administrator yet.
            logins = [
                (redis_users.login_command(redis_users.ADMINISTRATOR), self.store.administrator()),
                *((redis_users.login_command("default"), password) for password in possible),
            ]
            self._run(logins, "ACL LOAD")

    def _possible_passwords(self, name: str) -> list[str]:
        """Return the passwords that a server may accept, the most likely one first."""
        change = self.store.retiring().get(name, {})
        known = [self.store.read().get(name, ""), change.get("new", ""), change.get("old", "")]
        return [password for password in dict.fromkeys(known) if password]

    def _run(self, logins: list[tuple[list[str], str]], statements: str) -> None:
        """Run statements with the first login (command, password) that the server accepts.

        Raises DockerError where it accepts none.
        """
        refusal: DockerError | None = None
        for command, password in logins:
            refusal = self._refusal(command, password, statements)
            if refusal is None:
                return
        raise refusal or DockerError("no password of the server is known")

    def _refusal(self, command: list[str], password: str, statements: str) -> DockerError | None:
        """Run statements. Return the error where the server refuses the password, None where it accepts it."""
        try:
            self.compose(*command, given=f"{password}\n{statements}\n")
        except DockerError as error:
            if any(word in str(error) for word in (*self.engine.refusals, *redis_users.ACCESS_DENIED)):
                return error
            raise
        return None


def other_login(user: str) -> str:
    """Return the login that takes turns with this one."""
    return user[: -len(_SECOND)] if user.endswith(_SECOND) else user + _SECOND


def _exchanged(change: Mapping[str, str]) -> dict[str, str]:
    """Return a change that goes back."""
    swapped = {}
    for old, new in _PAIRS:
        if old in change:
            swapped[old], swapped[new] = change[new], change[old]
    return {**swapped, _GIVEN_UP: "yes"}


def _check_given(changes: Changes, given: Mapping[str, str], problem: str) -> None:
    if wrong := [name for name, change in changes.items() if given.get(name, "") not in ("", change["new"])]:
        raise ReleaseError(f"{', '.join(wrong)}: a rotation is in progress, and {problem}")


def variables_with(environment: Mapping[str, str], secret: str) -> list[str]:
    """Return the names of variables whose value is a secret or contains it."""
    whole = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(secret)}(?![A-Za-z0-9_-])")
    return [name for name, value in environment.items() if whole.search(value)]


def with_new_values(text: str, former: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return the text of a dotenv file with each value that equals the former one replaced by the present one."""
    lines = []
    for line in text.split("\n"):
        for name, value in dotenv.load(line).items():
            if name in now and value == former.get(name) != now[name]:
                line = f"{name}={dotenv.quote(now[name])}"
        lines.append(line)
    return "\n".join(lines)


def _read(file: Path) -> str:
    # Text mode would turn a carriage return in a value into a newline.
    return file.read_bytes().decode()
