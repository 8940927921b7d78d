# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._source import digest


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "views.py").write_text("one")
    (tmp_path / "manage.py").write_text("two")
    return tmp_path


def test_the_same_tree_has_the_same_digest_at_another_time(tree):
    before = digest(str(tree))
    (tree / "manage.py").touch()
    assert digest(str(tree)) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "manage.py").write_text("changed"),
        lambda tree: (tree / "manage.py").rename(tree / "run.py"),
        lambda tree: (tree / "manage.py").chmod(0o755),
        lambda tree: (tree / "new.py").write_text(""),
        lambda tree: (tree / "link").symlink_to("app"),
    ],
)
def test_a_change_changes_it(tree, change):
    before = digest(str(tree))
    change(tree)
    assert digest(str(tree)) != before


def test_version_control_and_byte_code_do_not_count(tree):
    before = digest(str(tree))
    for name in (".git", "app/__pycache__"):
        (tree / name).mkdir()
        (tree / name / "x").write_text("x")
    (tree / "app" / ".git").write_text("gitdir: elsewhere")
    assert digest(str(tree)) == before


def test_a_tree_that_is_not_there_is_an_error(tree):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        digest(str(tree / "nowhere"))
