# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrations that break the code in service, on a host that exists in memory."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

CODE = ["shop.0001", "shop.0002", "shop.0003"]
DROPS = {
    "change": "drop column",
    "migration": "shop.0002",
    "operation": "RemoveField",
    "online": False,
    "table": "shop_book",
    "column": "title",
}
CHECKS = {**DROPS, "change": "add check", "operation": "AddConstraint", "name": "positive"}
UNKNOWN = {"change": "opaque", "migration": "shop.0003", "operation": "RunSQL", "online": False}
ERROR = {"change": "error", "migration": "shop.0003", "operation": "KeyError"}
SAFE = {"migration_policy": "safe"}


def named(warnings, word):
    return sum(word in warning for warning in warnings)


def test_unsafe_migrations_run_with_a_warning(stack):
    stack.deploy("shop:1")
    record = stack.deploy("shop:2", knows=CODE, changes=[DROPS, CHECKS, UNKNOWN])
    assert record.migrations == ["shop.0002", "shop.0003"]
    assert named(record.warnings, "shop_book.title") == named(record.warnings, "positive") == 1
    assert not record.despite_migrations
    # Most migrations of data are such.
    assert named(record.warnings, "RunSQL") == 0


@pytest.mark.parametrize(("change", "word"), [(DROPS, "shop_book.title"), (CHECKS, "positive"), (ERROR, "KeyError")])
def test_a_stack_that_wants_safe_ones_refuses_them_before_anything_changes(stack, change, word):
    stack.deploy("shop:1")
    with pytest.raises(ReleaseError, match="stack_migrations") as caught:
        stack.deploy("shop:2", knows=CODE, changes=[change, UNKNOWN], options=SAFE)
    for needed in (word, "deploy_despite_migrations", "RunSQL"):
        assert needed in str(caught.value)
    assert stack.world.applied == ["shop.0001"]
    assert stack.served_by == {"shop:1"}
    failed = stack.ledger.read()[-1]
    assert (failed.state, failed.reached, failed.dump) == ("failed", "checking", "")
    assert not (stack.ledger.folder(2) / "dump.sql.gz").exists()


def test_whoever_goes_on_is_recorded(stack):
    stack.deploy("shop:1")
    record = stack.deploy("shop:2", knows=CODE, changes=[DROPS], options=SAFE, despite=True)
    assert stack.world.applied == CODE
    kept = stack.ledger.read()[-1]
    assert kept.despite_migrations
    assert kept.warnings == record.warnings
    assert named(kept.warnings, "deploy_despite_migrations") == named(kept.warnings, "shop_book.title") == 1
    # Once: neither the next release nor a rollback has it.
    assert not stack.deploy("shop:3", knows=CODE, options=SAFE).despite_migrations
    assert not stack.roll_back(2).despite_migrations


def test_what_nobody_can_judge_is_named_and_not_refused(stack):
    stack.deploy("shop:1")
    record = stack.deploy("shop:2", knows=CODE, changes=[UNKNOWN], options=SAFE)
    assert named(record.warnings, "RunSQL") == 1


def test_migrations_that_do_not_run_are_not_judged(stack):
    stack.deploy("shop:1")
    options = {**SAFE, "migrate_command": ""}
    assert stack.deploy("shop:2", knows=CODE, changes=[DROPS], options=options).warnings == []


def test_a_project_that_cannot_be_asked_is_not_judged(stack):
    stack.deploy("shop:1")
    options = {**SAFE, "manage_command": "", "migrate_command": "./migrate.sh", "static_release": ""}
    record = stack.deploy("shop:2", knows=CODE, changes=[DROPS], options=options)
    assert named(record.warnings, "shop_book") == 0


@pytest.mark.parametrize("despite", [False, True])
def test_a_check_shows_the_same(stack, despite):
    stack.deploy("shop:1")
    stack.render("shop:2", knows=CODE, changes=[DROPS])
    release = Release(stack.site("shop:2", **SAFE), stack.root / "next")
    names, judged = release.migrations(release.look(), despite=despite)
    assert names == ["shop.0002", "shop.0003"]
    assert named(judged.warnings, "shop_book.title") == 1
    assert bool(judged.refusal) != despite
    assert stack.world.applied == ["shop.0001"]
