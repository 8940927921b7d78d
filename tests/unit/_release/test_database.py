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
