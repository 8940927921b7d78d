# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release asks of the stack's own database, besides migrations."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

from tests.unit._release.conftest import Server

OUTDATED = {"datcollversion": "2.36|2.41\n"}


def test_a_stack_whose_data_is_in_another_engine_is_refused_before_anything_changes(stack):
    stack.deploy("shop:1")
    before = stack.running
    with pytest.raises(ReleaseError, match=r"stack_database: .*mysql"):
        stack.deploy("shop:2", options={"database": "postgresql"})
    assert stack.running == before


def test_extensions_are_installed_before_the_project_is_asked(stack):
    options = {"database": "postgresql", "database_extensions": ("pg_trgm", "vector")}
    stack.deploy("shop:1", options=options)
    created = [sql for sql in Server.asked if "CREATE EXTENSION" in sql]
    assert len(created) == 2
    assert '"pg_trgm"' in created[0]


def test_an_extension_that_the_image_lacks_names_the_variable(stack):
    Server.answers["vector"] = None
    with pytest.raises(ReleaseError, match=r"stack_database_extensions: vector .*stack_database_image"):
        stack.deploy("shop:1", options={"database": "postgresql", "database_extensions": ("vector",)})


def test_a_new_database_image_that_sorts_otherwise_is_a_warning(stack):
    Server.answers.update(OUTDATED)
    record = stack.deploy("shop:1", options={"database": "postgresql"})
    assert any("REINDEX" in warning and "2.36" in warning for warning in record.warnings)


def test_the_collation_is_asked_for_only_when_the_server_was_replaced(stack):
    stack.deploy("shop:1", options={"database": "postgresql"})
    Server.asked.clear()
    stack.deploy("shop:2", options={"database": "postgresql"})
    assert not Server.asked


EXTERNAL = {"database": "postgresql", "database_external": True}


@pytest.fixture
def external(stack):
    """A stack with an external database that has been migrated once."""
    stack.world.database = {"vendor": "postgresql", "schema": "shop"}
    stack.deploy("shop:1", services=("redis", "web", "celery", "celery-beat"), options=EXTERNAL)
    Server.asked.clear()
    return stack


def migrate(stack):
    services = ("redis", "web", "celery", "celery-beat")
    return stack.deploy("shop:2", knows=["shop.0001", "shop.0002"], services=services, options=EXTERNAL)


def test_an_external_database_is_dumped_and_locked_while_it_is_migrated(external):
    record = migrate(external)
    assert record.migrations == ["shop.0002"]
    assert record.dump
    assert "lock shop" in Server.asked


def test_a_dump_program_of_another_version_than_the_server_is_refused(external, monkeypatch):
    monkeypatch.setattr(Server, "client_version", lambda _self: "pg_dump (PostgreSQL) 17.2")
    with pytest.raises(ReleaseError, match=r"stack_database_image: .*18"):
        migrate(external)
    assert external.world.applied == ["shop.0001"]


def test_a_user_who_may_not_migrate_is_told_before_the_migration(external):
    Server.answers["CREATE TABLE"] = None
    with pytest.raises(ReleaseError, match=r"stack_database_user: .*tables"):
        migrate(external)
    assert external.world.applied == ["shop.0001"]


def test_without_a_database_server_a_dump_is_refused_with_the_variable(stack):
    stack.world.database = {"vendor": "sqlite", "server": "", "schema": ""}
    services = ("redis", "web", "celery", "celery-beat")
    stack.deploy("shop:1", services=services, options={"database": ""})
    with pytest.raises(ReleaseError, match="stack_migration_dump"):
        stack.deploy("shop:2", knows=["shop.0001", "shop.0002"], services=services, options={"database": ""})
    options = {"database": "", "migration_dump": False}
    record = stack.deploy("shop:2", knows=["shop.0001", "shop.0002"], services=services, options=options)
    assert record.migrations == ["shop.0002"]
