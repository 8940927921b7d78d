# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore refuses before it changes anything, and what it warns of."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError
from ansible_collections.landfall.django.plugins.module_utils._database.project import Project
from ansible_collections.landfall.django.plugins.module_utils._database.restore import FRONT, RestoreError
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import HISTORY

from tests.unit._database.servers import Faults


@pytest.mark.parametrize("name", ["", ".", "..", "../releases/8", "/etc", "20261127-134115-000000"])
def test_only_what_a_restore_has_kept_is_brought_back(stack, name):
    stack.run()
    with pytest.raises(RestoreError, match="restore_kept"):
        stack.restore.from_kept(name, elsewhere=False)


def test_a_release_without_a_dump_is_refused_with_those_that_have_one(stack):
    stack.release(11)
    with pytest.raises(RestoreError, match=r"release 7 .*restore_release.* 8, 11"):
        stack.run(7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"schema": "blog"}, "blog"), ({"server": "two"}, "restore_from_elsewhere"), ({"data_bytes": 1 << 41}, "MiB")],
)
def test_a_dump_of_something_else_or_too_large_is_refused(stack, changes, said):
    stack.release(**changes)
    with pytest.raises(RestoreError, match=said):
        stack.run()
    assert stack.is_untouched
    assert not stack.server.changed


def test_a_dump_from_another_server_is_taken_on_request(stack):
    stack.release(server="two")
    stack.run(elsewhere=True)
    assert stack.is_restored


def test_a_damaged_archive_is_refused_before_anything(stack, monkeypatch):
    monkeypatch.undo()
    archive = stack.root / "releases/8/dump.sql.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(ArchiveError):
        stack.run()
    assert not stack.server.changed


def test_a_one_off_container_that_runs_is_refused(stack):
    stack.writers.once = ["shop-migrate-run-1"]
    with pytest.raises(RestoreError, match="shop-migrate-run-1"):
        stack.run()
    assert stack.is_untouched


@pytest.mark.parametrize(
    "project",
    [
        Project("sqlite", "", "", {}),
        Project("own", "another", "shop", {}),
        Project("own", "one", "elsewhere", {}),
    ],
)
def test_a_project_whose_database_is_not_the_stacks_own_is_refused(stack, project):
    vendor = stack.engine.vendor if project.vendor == "own" else project.vendor
    stack.project = dataclasses.replace(project, vendor=vendor)
    stack.process(Faults())
    with pytest.raises(RestoreError, match=r"(sqlite|server|elsewhere).* db "):
        stack.run()
    assert stack.is_untouched


def test_a_dump_with_migrations_that_the_code_does_not_know_is_refused(stack):
    stack.release(migrations=[["shop", "0001_initial"], ["shop", "0002_new"], ["gone_app", "0001_initial"]])
    stack.project = Project(stack.engine.vendor, "one", "shop", {("shop", "0001_initial"): frozenset()})
    stack.process(Faults())
    with pytest.raises(RestoreError, match=r"\(shop\.0002_new\).*restore_despite_migrations"):
        stack.run()
    stack.run(despite_migrations=True)
    assert stack.is_restored


def test_code_that_is_ahead_of_the_dump_is_a_warning(stack):
    stack.project = Project(
        stack.engine.vendor, "one", "shop", {("shop", name): frozenset() for name in ("0001_initial", "0002")}
    )
    stack.process(Faults())
    stack.run()
    assert any("shop.0002" in warning for warning in stack.restore.warnings)


def test_a_project_that_does_not_come_back_healthy_is_told(stack):
    stack.writers.late = ["shop-web-1"]
    assert stack.run()["unhealthy"] == ["shop-web-1"]


def test_a_restore_has_not_ended_before_visitors_reach_the_site(stack):
    stack.visitor_problem = "/health/ answers 503"
    assert stack.run()["unhealthy"] == [FRONT]
    assert any("/health/ answers 503" in warning for warning in stack.restore.warnings)


def test_a_journal_of_a_newer_version_is_left_alone(stack):
    (stack.root / "restore").mkdir()
    (stack.root / "restore/journal.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer"):
        stack.run()
    assert stack.is_untouched


def test_the_name_of_the_schema_beside_is_never_too_long(engine):
    longest = {"mysql": 64, "mariadb": 64, "postgresql": 63}[engine.name]
    assert len(engine.rehearsal_schema("s" * 64)) == longest
    assert engine.rehearsal_schema("shop") != "shop"


def test_a_dump_from_before_an_upgrade_of_the_server_is_this_stack_s(stack):
    entry = {"server": "none", "successor": "one"}
    stack.release(server="none")
    with pytest.raises(RestoreError, match="restore_from_elsewhere"):
        stack.run()
    (stack.root / HISTORY).write_text(json.dumps([entry]))
    stack.run()
    assert stack.is_restored
    # It was created again since.
    stack.process(Faults()).replacement.server.server = "two"
    with pytest.raises(RestoreError, match="restore_from_elsewhere"):
        stack.run()
