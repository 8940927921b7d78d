# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack's database and Redis in memory, whose passwords a rotation changes."""

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import dump, load
from ansible_collections.landfall.django.plugins.module_utils._secrets.rotation import (
    Rotation,
)
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    DATABASE,
    DATABASE_ROOT,
    KEY,
    REDIS,
    ROTATED,
    USER,
    Store,
)

OLD = {KEY: "old-key", DATABASE: "old-database", DATABASE_ROOT: "old-root", REDIS: "old-redis"}
ROLE = re.compile(r"ALTER ROLE \"(\w+)\" (?:LOGIN PASSWORD '(\S+)'|NOLOGIN PASSWORD NULL);")
ALTER = re.compile(
    r"ALTER USER '(\w+)'@'\S+' (?:IDENTIFIED BY '(\S+)'( RETAIN CURRENT PASSWORD)?|DISCARD OLD PASSWORD);"
)

WAYS = re.compile(r"ALTER USER '(\w+)'@'\S+' IDENTIFIED VIA ([^;]+);")
WAY = re.compile(r"mysql_native_password USING PASSWORD\('(\S+)'\)")


class MySQL:
    """Which passwords it takes, by account: the current one, and one that is retained."""

    refusal = "ERROR 1045 (28000): Access denied for user"

    def __init__(self):
        self.accounts = {"shop": [OLD[DATABASE], ""], "root": [OLD[DATABASE_ROOT], ""]}

    def takes(self, user, password):
        return password in filter(None, self.accounts[user])

    def run(self, statements):
        for name, new, retains in ALTER.findall(statements):
            current, retained = self.accounts[name]
            self.accounts[name] = [new, current if retains else retained] if new else [current, ""]

    def is_settled(self, now):
        return self.accounts == {"shop": [now[DATABASE], ""], "root": [now[DATABASE_ROOT], ""]}


class MariaDB:
    """Which passwords it takes, by account."""

    refusal = "ERROR 1045 (28000): Access denied for user"

    def __init__(self):
        self.accounts = {"shop": [OLD[DATABASE]], "root": [OLD[DATABASE_ROOT]]}

    def takes(self, user, password):
        return password in self.accounts[user]

    def run(self, statements):
        for name, ways in WAYS.findall(statements):
            self.accounts[name] = [WAY.fullmatch(way)[1] for way in ways.split(" OR ")]

    def is_settled(self, now):
        return self.accounts == {"shop": [now[DATABASE]], "root": [now[DATABASE_ROOT]]}


class PostgreSQL:
    """Which password it takes, by role; None of a role that nobody can log in as."""

    refusal = "FATAL:  password authentication failed for user"

    def __init__(self):
        self.roles = {"shop": OLD[DATABASE], "postgres": OLD[DATABASE_ROOT]}

    def takes(self, user, password):
        return password == self.roles.get(user) != ""

    def run(self, statements):
        assert "CREATE ROLE" not in statements or "WHERE NOT EXISTS" in statements
        for name, password in ROLE.findall(statements):
            self.roles[name] = password

    def is_settled(self, now):
        active = {name: password for name, password in self.roles.items() if password}
        return active == {now[USER]: now[DATABASE], "postgres": now[DATABASE_ROOT]}


class Servers:
    """A stack's database and Redis behind `docker compose`: which passwords they take, and every command to them.

    The command with the number `fails` does not get there (`refused`), or the play ends after it (`killed`).
    """

    def __init__(self, root, database):
        self.root = root
        self.database = database
        self.services = ["db", "redis", "web"]
        self.running = {"db", "redis"}
        self.users = ""
        self.commands = 0
        self.fails, self.kind = -1, ""
        self.held = lambda: None

    def containers(self, service):
        return {f"shop-{service}-1": {"State": {"Running": True}}} if service in self.running else {}

    def __call__(self, *words, given=""):
        self.commands += 1
        if self.commands == self.fails and self.kind == "refused":
            raise DockerError("the engine does not answer")
        said = self._answer(words, given)
        self.held()
        if self.commands == self.fails:
            raise KeyboardInterrupt
        return said

    def _answer(self, words, given):
        if words == ("config", "--services"):
            return "\n".join(self.services)
        _exec, _no_tty, service, *more = words
        assert service in self.running
        assert not any(value in " ".join(words) for value in OLD.values()), "a secret on a command line"
        password, _newline, said = given.partition("\n")
        if service == "redis":
            return self._redis(more[-1], password, said.strip())
        user = next(word.partition("=")[2] for word in more if word.startswith(("--user=", "--username=")))
        if not self.database.takes(user, password):
            raise DockerError(self.database.refusal)
        self.database.run(said)
        return ""

    def _redis(self, user, password, said):
        assert said == "ACL LOAD"
        if not self.redis_takes(user, password):
            raise DockerError("WRONGPASS invalid username-password pair or user is disabled.")
        self.start_redis()
        return "OK"

    def start_redis(self):
        self.users = (self.root / "secrets/redis/users.acl").read_text()

    def redis_takes(self, user, password):
        line = next((line for line in self.users.splitlines() if line.startswith(f"user {user} ")), "")
        return f"#{redis_users.digest(password)}" in line


class Stack:
    """What the playbook rotate does, with a release that writes the files' values into .env."""

    def __init__(self, root, engine="mysql"):
        self.root = root
        self.store = Store(root / "secrets", dict.fromkeys(("db", "redis"), os.getuid()))
        self.store.write({**OLD, USER: "shop"})
        self.database = {"mysql": MySQL, "mariadb": MariaDB, "postgresql": PostgreSQL}[engine]()
        self.servers = Servers(root, self.database)
        self.servers.start_redis()
        self.rotation = Rotation(root, self.store, self.servers, by_name(engine))
        self.release()
        self.servers.held = self.serves

    def release(self):
        values = self.store.read()
        (self.root / ".env").write_text(dump({name.upper(): values[name] for name in (KEY, USER, DATABASE, REDIS)}))

    def serves(self):
        """Whatever the project has in its environment, the servers take."""
        env = load((self.root / ".env").read_text())
        assert self.database.takes(env[USER.upper()], env[DATABASE.upper()])
        if "redis" in self.servers.running:
            assert self.servers.redis_takes("default", env[REDIS.upper()])

    def rotate(self, names=ROTATED, give_up=False, releases=True, **given):
        elsewhere = given.pop("elsewhere", "")
        chosen = self.rotation.given_up(given) if give_up else self.rotation.chosen(names, given, elsewhere)
        self.rotation.begin(chosen, fallback=True)
        self.serves()
        if not releases:
            raise KeyboardInterrupt
        self.release()
        return self.rotation.finish()

    def interrupted(self, fails=-1, kind="", **how):
        """A rotation that does not come to its end, by the command with this number."""
        self.servers.commands, self.servers.fails, self.servers.kind = 0, fails, kind
        with pytest.raises((DockerError, KeyboardInterrupt)):
            self.rotate(**how)
        self.servers.fails = -1
        self.serves()

    def is_settled(self, values=None):
        """Servers and files agree on one value of each, and nothing is left of a rotation."""
        now = self.store.read()
        assert self.database.is_settled(now)
        assert self.servers.redis_takes("default", now[REDIS])
        assert len(re.findall("#", self.servers.users.splitlines()[0])) == 1
        assert self.store.retiring() == {}
        assert not (self.root / "secrets/former.env").exists()
        self.serves()
        return {name for name in OLD if now[name] != OLD[name]}
