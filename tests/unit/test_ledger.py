# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils import _ledger


@pytest.fixture
def ledger(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / ".env").write_text('SECRET_KEY="s"\n')
    (tmp_path / ".env").chmod(0o600)
    return _ledger.Ledger(str(tmp_path))


def entries(*rollbacks):
    """Releases from 1 on; a number says to which one that release went back, 0 that it was a new one."""
    return [{"release": number, "rollback_to": to} for number, to in enumerate(rollbacks, 1)]


def numbers(found):
    return sorted(entry["release"] for entry in found)


def test_releases_are_numbered_and_kept_in_order(ledger):
    assert ledger.read() == []
    for image in ("shop:a", "shop:b"):
        ledger.append({"image": image}, {"port": 8000})
    assert [(entry["release"], entry["image"]) for entry in ledger.read()] == [(1, "shop:a"), (2, "shop:b")]
    assert ledger.options(2) == {"port": 8000}


def test_the_kept_configuration_is_for_root_only(ledger):
    ledger.append({}, {})
    assert stat.S_IMODE(ledger.folder(1).stat().st_mode) == 0o700
    assert stat.S_IMODE((ledger.folder(1) / ".env").stat().st_mode) == 0o600
    assert (ledger.folder(1) / "compose.yaml").read_text() == "services: {}\n"


def test_what_is_forgotten_cannot_be_rolled_out(ledger):
    ledger.append({}, {})
    ledger.append({}, {})
    ledger.forget([2])
    assert ledger.options(2) == {}
    with pytest.raises(LookupError, match="release 1 is not kept"):
        ledger.options(1)


def test_the_previous_release_is_the_one_before_the_code_that_serves():
    assert _ledger.previous(entries(0, 0, 0))["release"] == 2
    # 4 went back to 2, so the one before is 1, not 3.
    assert _ledger.previous(entries(0, 0, 0, 2))["release"] == 1
    # 5 went back to 4, which is 2.
    assert _ledger.previous(entries(0, 0, 0, 2, 4))["release"] == 1
    assert _ledger.previous(entries(0, 0, 2, 0))["release"] == 2


@pytest.mark.parametrize("history", [[], [0], [0, 0, 1]])
def test_there_may_be_no_previous_release(history):
    with pytest.raises(LookupError):
        _ledger.previous(entries(*history))


def test_what_serves_is_always_kept():
    assert numbers(_ledger.kept(entries(0, 0, 0, 0), 2)) == [3, 4]
    assert numbers(_ledger.kept(entries(0, 0, 0, 0, 1), 2)) == [1, 3, 4, 5]
    assert _ledger.kept([], 2) == []


def test_an_unknown_release_is_told_with_those_there_are():
    with pytest.raises(LookupError, match="no release 7; known are: 1, 2"):
        _ledger.by_number(entries(0, 0), 7)


def test_migrations_of_later_releases_are_those_that_a_rollback_meets():
    history = [
        {"release": 1, "migrations": ["a.0001"]},
        {"release": 2, "migrations": []},
        {"release": 3, "migrations": ["a.0002", "b.0001"]},
    ]
    assert _ledger.migrated_since(history, 1) == ["a.0002", "b.0001"]
    assert _ledger.migrated_since(history, 3) == []
