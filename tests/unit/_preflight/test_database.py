# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight.database import missing_import
from ansible_collections.landfall.django.plugins.module_utils._preflight.look import free_space


@pytest.mark.parametrize(
    ("given", "names", "is_missing"),
    [("old.sql", [], False), ("gone.sql", [], True), ("gone.sql", ["next", "releases"], False)],
    ids=["there", "missing", "imported and removed"],
)
def test_a_missing_dump_is_told_before_the_first_release(tmp_path, given, names, is_missing):
    (tmp_path / "old.sql").touch()
    path = str(tmp_path / given)
    said = list(missing_import({"stack_database_import": path}, free_space(path), names))
    assert bool(said) == is_missing
    assert all(problem.startswith(f"stack_database_import: {path}") for problem in said)


def test_no_dump_is_not_missed():
    assert list(missing_import({}, free_space("/srv"), [])) == []
