# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES, by_name
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import dump, load
from ansible_collections.landfall.django.plugins.module_utils._secrets.rotation import (
    Rotation,
    variables_with,
    with_new_values,
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


@pytest.fixture(params=ENGINES)
def stack(tmp_path, request):
    return Stack(tmp_path, request.param)


@pytest.fixture
def rotation(stack):
    return stack.rotation


# More than the commands of a whole rotation, so that each of them is met.
STEPS = range(1, 18)
STOPS = [(step, kind) for step in STEPS for kind in ("refused", "killed")]


def test_a_rotation_changes_everything(stack):
    assert set(stack.rotate()) == stack.is_settled() == set(OLD)
    assert stack.servers.commands < STEPS[-1]


@pytest.mark.parametrize(("step", "kind"), STOPS)
def test_a_rotation_that_stops_anywhere_is_ended_by_the_next(stack, step, kind):
    try:
        stack.interrupted(step, kind)
    except pytest.fail.Exception:
        # It has fewer commands.
        assert stack.is_settled() == set(OLD)
        return
    begun = stack.store.retiring()
    stack.rotate()
    assert stack.is_settled() == set(OLD)
    assert all(stack.store.read()[name] == change["new"] for name, change in begun.items())


@pytest.mark.parametrize(("step", "kind"), STOPS)
@pytest.mark.parametrize("released", [True, False])
def test_a_rotation_that_stops_anywhere_is_given_up(stack, step, kind, released):
    try:
        stack.interrupted(step, kind)
    except pytest.fail.Exception:
        return
    if released and stack.store.retiring():
        stack.release()
    stack.rotate(give_up=True)
    # What had come to its end before cannot be given up any more.
    assert stack.is_settled() in (set(), set(OLD))


@pytest.mark.parametrize(("step", "kind"), STOPS)
def test_a_rotation_that_is_given_up_may_stop_anywhere_too(stack, step, kind):
    stack.interrupted(releases=False)
    try:
        stack.interrupted(step, kind, give_up=True)
    except pytest.fail.Exception:
        assert stack.is_settled() == set()
        return
    stack.rotate(give_up=True)
    assert stack.is_settled() == set()


def test_two_logins_take_turns_where_one_has_one_password_only(tmp_path):
    stack = Stack(tmp_path, "postgresql")
    users = []
    for _turn in range(3):
        stack.rotate()
        users.append(stack.store.read()[USER])
    assert users == ["shop_2", "shop", "shop_2"]


def test_given_up_before_its_release_a_rotation_leaves_everything_as_it_was(stack):
    stack.interrupted(releases=False)
    assert stack.store.read()[DATABASE] != OLD[DATABASE]
    stack.rotate(give_up=True)
    assert stack.is_settled() == set()
    assert stack.rotate(give_up=True) == []


def test_what_was_given_up_goes_back_also_when_the_next_rotation_is_meant_to_go_on(stack):
    stack.interrupted(releases=False)
    stack.interrupted(releases=False, give_up=True)
    stack.rotate()
    assert stack.is_settled() == set()


def test_a_server_that_restarts_in_between_takes_both(stack):
    stack.interrupted(releases=False)
    stack.servers.start_redis()
    stack.serves()
    stack.rotate()
    assert stack.is_settled() == set(OLD)


def test_a_stack_without_redis_rotates_the_others(stack):
    stack.servers.services.remove("redis")
    stack.servers.running.remove("redis")
    assert stack.rotate() == sorted({*OLD} - {REDIS})
    assert stack.store.read()[REDIS] == OLD[REDIS]
    assert stack.rotate() == sorted({*OLD} - {REDIS})


@pytest.mark.parametrize("given_up", [False, True])
def test_a_redis_that_goes_between_begin_and_finish_keeps_nothing_from_its_end(stack, given_up):
    stack.interrupted(releases=False)
    stack.servers.services.remove("redis")
    stack.servers.running.remove("redis")
    stack.rotate(give_up=given_up)
    assert stack.store.retiring() == {}
    stack.servers.start_redis()
    assert stack.servers.redis_takes("default", stack.store.read()[REDIS])


def test_a_redis_that_somebody_has_removed_learns_it_when_it_starts(stack):
    stack.servers.running.remove("redis")
    stack.rotate()
    stack.servers.running.add("redis")
    stack.servers.start_redis()
    assert stack.is_settled() == set(OLD)


def test_a_redis_of_before_the_administrator_is_told_as_the_project(stack):
    stack.servers.users = f"user default on #{redis_users.digest(OLD[REDIS])} ~* &* +@all"
    stack.rotate()
    assert stack.is_settled() == set(OLD)


def test_a_database_that_does_not_run_is_said_before_anything_changes(stack):
    stack.servers.running.remove("db")
    with pytest.raises(ReleaseError, match=r"^db .*not run"):
        stack.rotate()
    assert (stack.store.read(), stack.store.retiring()) == ({**OLD, USER: "shop"}, {})


def test_a_password_that_somebody_has_retained_by_hand_is_in_nobodys_way(tmp_path):
    stack = Stack(tmp_path, "mysql")
    stack.database.accounts["shop"][1] = "by-hand"
    stack.rotate()
    assert stack.is_settled() == set(OLD)


def test_the_password_of_a_database_elsewhere_is_the_users_to_change(stack):
    assert DATABASE not in stack.rotation.chosen(list(OLD), {}, "db.example.com")
    with pytest.raises(ReleaseError, match=rf"^{DATABASE}: .*db\.example\.com"):
        stack.rotation.chosen([DATABASE], {DATABASE: OLD[DATABASE]}, "db.example.com")
    assert stack.rotation.chosen([DATABASE], {DATABASE: "given"}, "db.example.com")[DATABASE]["new"] == "given"


def test_an_external_database_keeps_its_user_and_gets_its_password_from_the_inventory(tmp_path):
    stack = Stack(tmp_path, "postgresql")
    stack.servers.services.remove("db")
    with pytest.raises(ReleaseError, match=rf"^{DATABASE}: .*db\.example\.com"):
        stack.rotation.chosen([DATABASE], {}, "db.example.com")
    chosen = stack.rotation.chosen([DATABASE], {DATABASE: "given"}, "db.example.com")
    assert chosen == {DATABASE: {"old": OLD[DATABASE], "new": "given"}}
    stack.rotation.begin(chosen, fallback=True)
    assert (stack.store.read()[DATABASE], stack.store.read()[USER]) == ("given", "shop")


def test_a_new_secret_is_made_or_taken_as_given(rotation):
    chosen = rotation.chosen([KEY, DATABASE], {KEY: "", DATABASE: "given"})
    assert (chosen[DATABASE]["old"], chosen[DATABASE]["new"]) == ("old-database", "given")
    assert len(chosen[KEY]["new"]) == 64


def test_an_interrupted_rotation_goes_on_with_its_own_values(rotation):
    begun = {DATABASE: {"old": "old-database", "new": "half-way"}}
    rotation.store.write_retiring(begun)
    assert rotation.chosen([KEY], {}) == begun


@pytest.mark.parametrize("value", ["third", "old-database"])
def test_a_value_that_neither_ends_a_rotation_nor_gives_it_up_is_refused(rotation, value):
    rotation.store.write_retiring({DATABASE: {"old": "old-database", "new": "half-way"}})
    with pytest.raises(ReleaseError, match=f"^{DATABASE}: .*rotate_give_up"):
        rotation.chosen([KEY], {DATABASE: value})


def test_a_rotation_is_not_given_up_against_the_inventory(rotation):
    rotation.store.write_retiring({DATABASE: {"old": "old-database", "new": "half-way"}})
    with pytest.raises(ReleaseError, match=f"^{DATABASE}: .*inventory"):
        rotation.given_up({DATABASE: "half-way"})
    assert rotation.given_up({DATABASE: "old-database"})[DATABASE]["new"] == "old-database"


def test_a_value_that_the_inventory_still_gives_is_no_new_one(rotation):
    with pytest.raises(ReleaseError, match=f"^{DATABASE}: .*rotate_secrets"):
        rotation.chosen([DATABASE], {DATABASE: "old-database"})


def test_an_old_password_is_found_inside_an_address():
    environment = {"DATABASE_URL": "mysql://shop:old-one@db/shop", "OTHER": "old-one-more", "PLAIN": "old-one"}
    assert variables_with(environment, "old-one") == ["DATABASE_URL", "PLAIN"]


def test_a_project_that_repeats_the_old_password_keeps_it_valid(rotation, tmp_path):
    rotation.store.write_retiring({DATABASE: {"old": "old-database", "new": "new"}})
    (tmp_path / ".env").write_text(dump({"DATABASE_URL": "mysql://shop:old-database@db/shop"}))
    with pytest.raises(ReleaseError, match=r"DATABASE_URL in \.env.*stack_database_password"):
        rotation.finish()
    assert rotation.store.retiring()


def test_a_kept_release_gets_what_the_rotation_has_changed_and_nothing_else():
    former = {"DATABASE_URL": "mysql://old", "TOKEN": "old\rtoken", "DEBUG": "no"}
    now = {"DATABASE_URL": "mysql://new", "TOKEN": 'new"token\\', "DEBUG": "no"}
    kept = "# comment\n" + dump({**former, "DATABASE_URL": "mysql://another", "GONE": "stays"}) + "\n"
    brought = with_new_values(kept, former, now)
    assert brought.startswith("# comment\n")
    assert load(brought) == {"DATABASE_URL": "mysql://another", "TOKEN": now["TOKEN"], "DEBUG": "no", "GONE": "stays"}
