# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._dotenv import dump, load
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError
from ansible_collections.landfall.django.plugins.module_utils._rotation import Rotation, carried, holders
from ansible_collections.landfall.django.plugins.module_utils._secret_store import DATABASE, KEY, REDIS, Store


@pytest.fixture
def rotation(tmp_path):
    store = Store(tmp_path / "secrets", os.getuid())
    store.write({KEY: "key", DATABASE: "database", REDIS: "redis"})
    return Rotation(tmp_path, store, Compose(str(tmp_path), "shop"))


def test_a_new_secret_is_made_or_taken_as_given(rotation):
    chosen = rotation.chosen([KEY, DATABASE], {KEY: "", DATABASE: "given"})
    assert chosen[DATABASE] == {"old": "database", "new": "given"}
    assert len(chosen[KEY]["new"]) == 64


def test_an_interrupted_rotation_goes_on_with_its_own_values(rotation):
    begun = {DATABASE: {"old": "database", "new": "half-way"}}
    rotation.store.write_retiring(begun)
    assert rotation.chosen([KEY], {KEY: "another"}) == begun


def test_a_value_that_the_inventory_still_gives_is_no_new_one(rotation):
    with pytest.raises(ReleaseError, match=f"^{DATABASE}: .*rotate_secrets"):
        rotation.chosen([DATABASE], {DATABASE: "database"})


def test_an_old_password_is_found_inside_an_address():
    environment = {"DATABASE_URL": "mysql://shop:old-one@db/shop", "OTHER": "old-one-more", "PLAIN": "old-one"}
    assert holders(environment, "old-one") == ["DATABASE_URL", "PLAIN"]


def test_a_project_that_repeats_the_old_password_keeps_it_valid(rotation, tmp_path):
    rotation.store.write_retiring({DATABASE: {"old": "database", "new": "new"}})
    (tmp_path / ".env").write_text(dump({"DATABASE_URL": "mysql://shop:database@db/shop"}))
    with pytest.raises(ReleaseError, match=r"DATABASE_URL in \.env still has an old password"):
        rotation.finish()
    assert rotation.store.retiring()


def test_a_kept_release_gets_what_the_rotation_has_changed_and_nothing_else():
    former = {"DATABASE_URL": "mysql://old", "TOKEN": "old\rtoken", "DEBUG": "no"}
    now = {"DATABASE_URL": "mysql://new", "TOKEN": 'new"token\\', "DEBUG": "no"}
    kept = "# comment\n" + dump({**former, "DATABASE_URL": "mysql://another", "GONE": "stays"}) + "\n"
    brought = carried(kept, former, now)
    assert brought.startswith("# comment\n")
    assert load(brought) == {"DATABASE_URL": "mysql://another", "TOKEN": now["TOKEN"], "DEBUG": "no", "GONE": "stays"}
