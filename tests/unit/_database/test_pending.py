# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The question about pending migrations, asked of a real Django project with SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.project import PROBE_CODE, parse_answer

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""
INITIAL = """
    ops.CreateModel("Writer", [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=9))]),
    ops.CreateModel("Shelf", [("id", models.AutoField(primary_key=True))]),
    ops.CreateModel("Outside", [("id", models.AutoField(primary_key=True))], options={"managed": False}),
    ops.CreateModel("Named", [("id", models.AutoField(primary_key=True))], options={"db_table": "named"}),
    ops.CreateModel("Book", [
        ("id", models.AutoField(primary_key=True)),
        ("title", models.CharField(max_length=20)),
        ("subtitle", models.CharField(max_length=20, null=True)),
        ("legacy", models.CharField(max_length=20, null=True)),
        ("pages", models.IntegerField(default=0)),
        ("price", models.IntegerField(default=0)),
        ("shelves", models.ManyToManyField("shop.Shelf")),
    ]),
    ops.AddField("Shelf", "row", models.IntegerField(null=True)),
    ops.RunSQL("CREATE TABLE by_hand (id integer)"),
"""
CODE = """
import functools
import django
from django.db import migrations as ops, models

POSITIVE = {"condition" if django.VERSION >= (5, 1) else "check": models.Q(pages__gte=0)}

class AddIndexConcurrently(ops.AddIndex):
    pass

class Foreign(ops.operations.base.Operation):
    reduces_to_sql = False
    def state_forwards(self, app_label, state):
        pass
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        pass

class Migration(ops.Migration):
    dependencies = %(after)r
    operations = [%(operations)s]
"""
# Of each migration, what is said of it (the change, the table, a column or name), and its operations.
CASES = {
    "drop_column": ([("drop column", "shop_book", "subtitle")], ['ops.RemoveField("Book", "subtitle")']),
    "drop_many": ([("drop table", "shop_book_shelves", "")], ['ops.RemoveField("Book", "shelves")']),
    "add_many": ([], ['ops.AddField("Book", "fans", models.ManyToManyField("shop.Writer"))']),
    "drop_table": ([("drop table", "shop_shelf", "")], ['ops.DeleteModel("Shelf")']),
    "rename_table": ([("rename table", "shop_writer", "")], ['ops.RenameModel("Writer", "Author")']),
    "rename_named_table": ([], ['ops.RenameModel("Named", "Renamed")']),
    "rename_column": ([("rename column", "shop_book", "price")], ['ops.RenameField("Book", "price", "cost")']),
    "rename_field_only": (
        [],
        [
            'ops.AlterField("Book", "legacy", models.CharField(max_length=20, null=True, db_column="legacy"))',
            'ops.RenameField("Book", "legacy", "former")',
        ],
    ),
    "add_null": (
        [("add column", "shop_book", "isbn")],
        ['ops.AddField("Book", "isbn", models.CharField(max_length=9, null=True))'],
    ),
    "fill": ([("opaque", "", "")], ["ops.RunPython(functools.partial(print, end=''))"]),
    "fill_nothing": ([], ["ops.RunPython(ops.RunPython.noop)", "ops.RunSQL(ops.RunSQL.noop)", "ops.RunSQL([])"]),
    "make_new_not_null": (
        [("alter column", "shop_book", "isbn")],
        ['ops.AlterField("Book", "isbn", models.CharField(max_length=9, default=""))'],
    ),
    "drop_new": ([], ['ops.RemoveField("Book", "isbn")']),
    "add_not_null": (
        [("add column", "shop_book", "stock")],
        ['ops.AddField("Book", "stock", models.IntegerField(default=1))'],
    ),
    "add_default": (
        [("add column", "shop_book", "sold")],
        ['ops.AddField("Book", "sold", models.IntegerField(db_default=0))'],
    ),
    "add_computed": (
        [("add column", "shop_book", "seen")],
        ['ops.AddField("Book", "seen", models.DateTimeField(db_default=models.functions.Now()))'],
    ),
    "add_generated": (
        [("add column", "shop_book", "twice")],
        [
            (
                'ops.AddField("Book", "twice", models.GeneratedField(expression=models.F("pages") * 2,'
                " output_field=models.IntegerField(), db_persist=False))"
            )
        ],
    ),
    "add_foreign_key": (
        [("add column", "shop_book", "by_id")],
        ['ops.AddField("Book", "by", models.ForeignKey("shop.Author", models.CASCADE, null=True))'],
    ),
    "words_only": (
        [],
        [
            (
                'ops.AlterField("Book", "title", models.CharField("Title", max_length=20, help_text="Its name",'
                ' blank=True, choices=[("secret", "Secret")], validators=[]))'
            )
        ],
    ),
    "longer": (
        [("alter column", "shop_book", "title")],
        ['ops.AlterField("Book", "title", models.CharField(max_length=90))'],
    ),
    "index": (
        [("add index", "shop_book", "by_pages")],
        ['ops.AddIndex("Book", models.Index(fields=["pages"], name="by_pages"))'],
    ),
    "index_online": (
        [("add index", "shop_book", "by_title")],
        ['AddIndexConcurrently("Book", models.Index(fields=["title"], name="by_title"))'],
    ),
    "index_renamed": ([], ['ops.RenameIndex("Book", new_name="by_count", old_name="by_pages")']),
    "constraint": (
        [("add check", "shop_book", "not_negative")],
        ['ops.AddConstraint("Book", models.CheckConstraint(name="not_negative", **POSITIVE))'],
    ),
    "unique": (
        [("add unique", "shop_book", "once")],
        ['ops.AddConstraint("Book", models.UniqueConstraint(fields=["title"], name="once"))'],
    ),
    "together": (
        [("add unique", "shop_book", "unique_together (title, pages)")],
        ['ops.AlterUniqueTogether("Book", {("title", "pages")})'],
    ),
    "together_renamed": ([("rename column", "shop_book", "pages")], ['ops.RenameField("Book", "pages", "sheets")']),
    "new_table": (
        [],
        [
            'ops.CreateModel("Shop", [("id", models.AutoField(primary_key=True)), ("no", models.IntegerField())])',
            'ops.AddField("Shop", "town", models.CharField(max_length=9, default=""))',
            'ops.AddIndex("Shop", models.Index(fields=["no"], name="by_no"))',
            'ops.RenameField("Shop", "town", "city")',
        ],
    ),
    "models_only": ([], ['ops.SeparateDatabaseAndState(state_operations=[ops.RemoveField("Book", "former")])']),
    "by_hand": (
        [("opaque", "", ""), ("rename table", "shop_author", "")],
        [
            (
                'ops.SeparateDatabaseAndState([ops.RunSQL("DROP TABLE by_hand"), '
                'ops.AlterModelTable("Author", "people")], [ops.AlterModelTable("Author", "people")])'
            )
        ],
    ),
    "unmanaged": ([], ['ops.AddField("Outside", "x", models.IntegerField())', 'ops.DeleteModel("Outside")']),
    "managed": (
        [],
        [
            'ops.CreateModel("Taken", [("id", models.AutoField(primary_key=True))], options={"managed": False})',
            'ops.AlterModelOptions("Taken", {"managed": True})',
            'ops.AlterModelOptions("Author", {"ordering": ["id"]})',
        ],
    ),
    "proxy": (
        [],
        ['ops.CreateModel("Cheap", [], options={"proxy": True}, bases=("shop.book",))', 'ops.DeleteModel("Cheap")'],
    ),
    "foreign": ([("opaque", "", "")], ["Foreign()"]),
}

# The new columns, and what differs from a plain one.
PLAIN = {
    "null": False,
    "default": "",
    "generated": "",
    "index": False,
    "unique": False,
    "check": False,
    "foreign key": False,
    "collation": None,
}
COLUMNS = {
    "isbn": {"null": True},
    "stock": {},
    "sold": {"default": "value"},
    "seen": {"default": "expression"},
    "twice": {"generated": "virtual"},
    "by_id": {"null": True, "index": True, "foreign key": True},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with all these migrations, of which the database has the first."""
    root = tmp_path_factory.mktemp("project")
    folder = root / "shop/migrations"
    folder.mkdir(parents=True)
    (root / "settings.py").write_text(SETTINGS)
    (root / "shop/__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "first.py").write_text(CODE % {"after": [], "operations": INITIAL})
    after = "first"
    for name, (_, operations) in CASES.items():
        (folder / f"{name}.py").write_text(CODE % {"after": [("shop", after)], "operations": ", ".join(operations)})
        after = name
    return root


def manage(root, *words):
    environment = {**os.environ, "PYTHONPATH": str(root), "DJANGO_SETTINGS_MODULE": "settings"}
    command = [sys.executable, "-m", "django", *words]
    said = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.fixture(scope="module")
def asked(project):
    """What is said of an empty database, of one with the first migration, and of one with all of them."""
    answers = {"empty": parse_answer(manage(project, "shell", "-c", PROBE_CODE))}
    manage(project, "migrate", "shop", "first")
    answers["pending"] = parse_answer(manage(project, "shell", "-c", PROBE_CODE))
    # What was only asked about can be done: nothing was changed by the question.
    manage(project, "migrate")
    answers["done"] = parse_answer(manage(project, "shell", "-c", PROBE_CODE))
    return answers


@pytest.mark.parametrize("name", CASES)
def test_what_a_migration_changes_in_tables_that_exist(asked, name):
    found = [one for one in asked["pending"].changes if one["migration"] == f"shop.{name}"]
    seen = [(one["change"], one.get("table", ""), one.get("column", one.get("name", ""))) for one in found]
    assert seen == CASES[name][0]


@pytest.mark.parametrize("name", COLUMNS)
def test_what_a_new_column_is(asked, name):
    (new,) = [one["new"] for one in asked["pending"].changes if one["change"] == "add column" and one["column"] == name]
    assert {key: value for key, value in new.items() if key != "type"} == {**PLAIN, **COLUMNS[name]}


def test_a_column_is_compared_with_what_it_was(asked):
    found = {one["migration"]: one for one in asked["pending"].changes if one["change"] == "alter column"}
    assert (found["shop.longer"]["old"]["type"], found["shop.longer"]["new"]["type"]) == ("varchar(20)", "varchar(90)")
    assert found["shop.longer"]["known"]
    assert not found["shop.make_new_not_null"]["known"]


def test_an_index_is_online_where_its_operation_says_so(asked):
    online = {one["name"]: one["online"] for one in asked["pending"].changes if one["change"] == "add index"}
    assert online == {"by_pages": False, "by_title": True}


def test_a_database_without_tables_and_one_that_is_up_to_date_have_no_changes(asked):
    assert asked["empty"].pending
    assert not asked["done"].pending
    assert asked["empty"].changes == asked["done"].changes == ()


def test_no_value_of_the_project_is_told(asked):
    assert "secret" not in str(asked["pending"].changes).lower()


def test_an_operation_that_cannot_be_followed_does_not_stop_the_release(project, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(project, broken)
    (broken / "db.sqlite3").unlink(missing_ok=True)
    manage(broken, "migrate", "shop", "first")
    last = CODE % {"after": [("shop", [*CASES][-1])], "operations": 'ops.RemoveField("Book", "nothing")'}
    (broken / "shop/migrations/zz.py").write_text(last)
    found = parse_answer(manage(broken, "shell", "-c", PROBE_CODE)).changes
    assert (found[-1]["change"], found[-1]["migration"]) == ("error", "shop.zz")
    assert len(found) > 1
