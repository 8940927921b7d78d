# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._secrets import redis_users
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import dump, load
from ansible_collections.landfall.django.plugins.module_utils._secrets.rotation import (
    variables_with,
    with_new_values,
)
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    DATABASE,
    KEY,
    REDIS,
    USER,
)

from tests.unit._secrets.servers import OLD, Stack


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


def test_secret_files_rotate_with_the_password_that_they_repeat(stack):
    sets = stack.root / "secrets/files"
    for name, password in (("former", OLD[DATABASE]), ("kept", OLD[DATABASE]), ("now", "")):
        (sets / name).mkdir(parents=True)
        (sets / name / "password").write_text(password)
    stack.rotation.files = "former"
    with pytest.raises(KeyboardInterrupt):
        stack.rotate(releases=False)
    stack.rotation.files = "now"
    stack.release()
    (sets / "now/password").write_text(OLD[DATABASE])
    with pytest.raises(ReleaseError, match=r"/run/secrets/password.*stack_secret_files"):
        stack.rotation.finish()
    new = stack.store.read()[DATABASE]
    (sets / "now/password").write_text(new)
    stack.rotation.finish()
    assert (sets / "kept/password").read_text() == new
    assert not (stack.root / "secrets/former.files").exists()


def test_a_kept_release_gets_what_the_rotation_has_changed_and_nothing_else():
    former = {"DATABASE_URL": "mysql://old", "TOKEN": "old\rtoken", "DEBUG": "no"}
    now = {"DATABASE_URL": "mysql://new", "TOKEN": 'new"token\\', "DEBUG": "no"}
    kept = "# comment\n" + dump({**former, "DATABASE_URL": "mysql://another", "GONE": "stays"}) + "\n"
    brought = with_new_values(kept, former, now)
    assert brought.startswith("# comment\n")
    assert load(brought) == {"DATABASE_URL": "mysql://another", "TOKEN": now["TOKEN"], "DEBUG": "no", "GONE": "stays"}
