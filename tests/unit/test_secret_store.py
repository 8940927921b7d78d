# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re

import pytest
from ansible_collections.landfall.django.plugins.module_utils._secret_store import settle


def test_missing_secrets_are_made_strong_and_different():
    made = settle({"SECRET_KEY": "", "MYSQL_PASSWORD": ""}, None, ["MYSQL_PASSWORD"])
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{64}", value) for value in made.values())
    assert made["SECRET_KEY"] != made["MYSQL_PASSWORD"]


def test_what_the_host_holds_is_kept():
    kept = {"SECRET_KEY": "kept", "MYSQL_PASSWORD": "old"}
    assert settle({"SECRET_KEY": "", "MYSQL_PASSWORD": ""}, kept, ["MYSQL_PASSWORD"]) == kept


def test_what_the_user_gives_wins():
    assert settle({"SECRET_KEY": "given"}, {"SECRET_KEY": "kept"}, []) == {"SECRET_KEY": "given"}


def test_a_secret_that_comes_later_is_made():
    assert settle({"REDIS_PASSWORD": ""}, {"SECRET_KEY": "kept"}, ["MYSQL_PASSWORD"])["REDIS_PASSWORD"]


def test_a_fixed_secret_cannot_be_changed_here():
    with pytest.raises(ValueError, match="MYSQL_PASSWORD differs"):
        settle({"MYSQL_PASSWORD": "new"}, {"MYSQL_PASSWORD": "old"}, ["MYSQL_PASSWORD"])


def test_a_fixed_secret_that_is_gone_is_not_made_anew():
    with pytest.raises(ValueError, match="MYSQL_PASSWORD is gone"):
        settle({"MYSQL_PASSWORD": ""}, {}, ["MYSQL_PASSWORD"])
