# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._source import digest, new_migrations


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


def test_the_new_migrations_of_a_copy():
    said = """.d..t...... catalogue/
<f.st...... catalogue/migrations/0001_initial.py
<f+++++++++ catalogue/migrations/0003_stock.py
<f+++++++++ catalogue/migrations/__init__.py
cd+++++++++ shop/orders/migrations/
<f+++++++++ shop/orders/migrations/0001_initial.py
<f+++++++++ shop/migrations.py
*deleting   catalogue/migrations/0002_old.py
"""
    assert new_migrations(said) == ["catalogue.0003_stock", "orders.0001_initial"]


def test_the_new_migrations_of_a_checkout():
    said = """diff --git a/catalogue/migrations/0001_initial.py b/catalogue/migrations/0001_initial.py
--- a/catalogue/migrations/0001_initial.py
+++ b/catalogue/migrations/0001_initial.py
@@ -1 +1 @@
-one
+two
diff --git a/catalogue/migrations/0003_stock.py b/catalogue/migrations/0003_stock.py
new file mode 100644
--- /dev/null
+++ b/catalogue/migrations/0003_stock.py
@@ -0,0 +1 @@
+from django.db import migrations
diff --git a/catalogue/migrations/0004_size.py b/catalogue/migrations/0004_length.py
similarity index 100%
rename from catalogue/migrations/0004_size.py
rename to catalogue/migrations/0004_length.py
"""
    assert new_migrations(said) == ["catalogue.0003_stock", "catalogue.0004_length"]


def test_where_nothing_is_said_there_are_no_migrations():
    assert new_migrations("") == []
