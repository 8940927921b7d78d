# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import hashlib
import os
import re
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    DATABASE,
    DATABASE_ROOT,
    KEY,
    REDIS,
    USER,
    Store,
    parse_owners,
    resolve,
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "shop" / "secrets", dict.fromkeys(("db", "redis"), os.getuid()))


def test_missing_secrets_are_made_strong_and_different():
    made = resolve({KEY: "", DATABASE: ""}, None, "shop")
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{64}", value) for value in made.values())
    assert made[KEY] != made[DATABASE]


def test_what_the_host_holds_is_kept():
    kept = {KEY: "kept", DATABASE: "old"}
    assert resolve({KEY: "", DATABASE: ""}, kept, "shop") == kept


def test_another_secret_key_can_be_given():
    assert resolve({KEY: "given"}, {KEY: "kept"}, "shop") == {KEY: "given"}


def test_a_password_that_a_server_knows_cannot_be_changed_here():
    with pytest.raises(ValueError, match=rf"{DATABASE} differs.*landfall\.django\.rotate"):
        resolve({DATABASE: "new"}, {DATABASE: "old"}, "shop")


def test_a_password_that_a_server_knows_is_not_made_anew():
    with pytest.raises(ValueError, match="db/password is missing"):
        resolve({DATABASE: ""}, {}, "shop")


@pytest.mark.parametrize(
    ("given", "kept", "user"),
    [
        ("", None, "shop"),
        ("", {}, "shop"),
        ("own", None, "own"),
        ("", {USER: "shop_2"}, "shop_2"),
        ("shop_2", {USER: "shop_2"}, "shop_2"),
    ],
)
def test_the_database_user_is_the_one_that_the_server_knows(given, kept, user):
    assert resolve({USER: given}, kept, "shop") == {USER: user}


def test_another_database_user_than_the_servers_is_refused_with_the_one_to_set():
    with pytest.raises(ValueError, match=rf"{USER} .*shop_2"):
        resolve({USER: "shop"}, {USER: "shop_2"}, "shop")


def test_each_secret_is_read_back_as_it_was_written(store):
    values = {KEY: "a'b\"c$d #é\\ ", DATABASE: "one", DATABASE_ROOT: "two", REDIS: "three"}
    assert store.write(values)
    assert store.read() == values


def test_writing_the_same_changes_nothing(store):
    values = {KEY: "one", REDIS: "two"}
    store.write(values)
    assert store.write(values) == []


def test_nobody_else_gets_to_a_secret(store):
    store.write({KEY: "one", DATABASE: "two", REDIS: "three"})
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (store.folder, *store.folder.rglob("*"))}
    assert modes.pop("secrets") == 0o700
    assert {modes.pop("db"), modes.pop("redis")} == {0o500}
    assert set(modes.values()) == {0o400}


def test_permissions_that_somebody_has_widened_are_corrected(store):
    store.write({KEY: "one"})
    (store.folder / "secret_key").chmod(0o644)
    assert store.write({KEY: "one"}) == ["secret_key"]
    assert stat.S_IMODE((store.folder / "secret_key").stat().st_mode) == 0o400


def test_redis_takes_two_passwords_while_one_of_them_retires(store):
    store.write({REDIS: "new"})
    store.write_retiring({REDIS: {"old": "old", "new": "new"}})
    assert store.write({REDIS: "new"}) == ["redis/users.acl"]
    said = (store.folder / "redis" / "users.acl").read_text()
    assert all(hashlib.sha256(word).hexdigest() in said for word in (b"old", b"new"))


def test_redis_gets_an_administrator_who_stays_the_same(store):
    store.write({REDIS: "one"})
    password = store.administrator()
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", password)
    assert store.write_users(["two"]) == ["redis/users.acl"]
    assert store.administrator() == password


@pytest.mark.parametrize("owner", ["mysql", "-1", "", None])
def test_the_user_of_a_service_is_a_number(owner):
    assert parse_owners({"db": "999"}) == {"db": 999, "redis": 10003}
    with pytest.raises(ValueError, match=f"db: {owner}.*stack_compose_override"):
        parse_owners({"db": owner})


def test_a_fallback_can_be_kept_and_forgotten(store):
    store.write({KEY: "new"})
    store.write_fallback("old")
    assert store.fallbacks() == ["old"]
    store.write_fallback("")
    assert store.fallbacks() == []
