# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.look import LIMIT
from ansible_collections.landfall.django.plugins.module_utils._project.source import digest, new_migrations
from ansible_collections.landfall.django.plugins.modules import source_probe

from tests.unit.module_arguments import patch_module_args


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


def test_links_count_by_where_they_lead_and_special_files_by_name(planted, secret):
    before = digest(str(planted))
    secret.write_text("not a part of the project")
    assert digest(str(planted)) == before
    (planted / "shadow").unlink()
    (planted / "shadow").symlink_to("elsewhere")
    assert digest(str(planted)) != before


def test_a_tree_without_end_is_refused(tree, dig):
    dig(tree, 1500)
    with pytest.raises(OSError, match="nested"):
        digest(str(tree))


def probe(path, **given):
    said = io.StringIO()
    arguments = {"path": str(path), **given}
    with patch_module_args(arguments), redirect_stdout(said), pytest.raises(SystemExit):
        source_probe.main()
    return json.loads(said.getvalue())


def test_the_probe_reads_the_projects_own_dockerfile(tree):
    (tree / "docker").mkdir()
    (tree / "docker/Dockerfile").write_text("FROM scratch")
    (tree / "Dockerfile").symlink_to("docker/Dockerfile")
    (tree / "requirements.txt").write_text("django\n")
    (tree / ".dockerignore").write_text("docs\n")
    seen = probe(tree)
    assert (seen["dockerfile"], seen["dockerignore"], seen["build"]) == ("FROM scratch", "docs\n", {})
    assert probe(tree, dockerfile="")["build"]["unlocked"] == ["django"]


def test_the_ignore_file_beside_a_dockerfile_comes_first(tree):
    (tree / "prod.Dockerfile").write_text("FROM scratch")
    (tree / "prod.Dockerfile.dockerignore").write_text("tests\n")
    (tree / ".dockerignore").write_text("docs\n")
    assert probe(tree, dockerfile="prod.Dockerfile")["dockerignore"] == "tests\n"


def test_what_is_no_part_of_the_image_does_not_count(tree):
    (tree / "requirements.txt").write_text("django\n")
    (tree / ".dockerignore").write_text("logs\n")
    before = probe(tree, ignore=["**/.env*"])["digest"]
    (tree / "logs").mkdir()
    (tree / "logs/dev.log").write_text("a line")
    (tree / "app/.env.production").write_text("SECRET=1")
    assert probe(tree, ignore=["**/.env*"])["digest"] == before
    assert probe(tree)["digest"] != before


@pytest.mark.parametrize(
    ("files", "subdir", "context"),
    [
        (["backend/Dockerfile", "Dockerfile"], "backend", "backend"),
        (["backend/requirements.txt", "requirements.txt"], "backend/", "backend"),
        (["uv.lock", "apps/web/manage.py"], "apps/web", ""),
        (["apps/requirements.txt", "apps/web/manage.py"], "apps/web", "apps"),
        (["backend/requirements.txt", "backend/manage.py"], "", ""),
    ],
)
def test_the_build_context(tree, files, subdir, context):
    for name in files:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("FROM scratch" if name.endswith("Dockerfile") else "")
    (tree / "manage.py").unlink()
    assert probe(tree, subdir=subdir)["context"] == context


def test_the_time_of_the_last_refresh_is_read(tree, tmp_path):
    (tree / "Dockerfile").write_text("FROM scratch")
    (tmp_path / "refreshed").write_text("86400")
    given = {"refreshed": str(tmp_path / "refreshed")}
    assert probe(tree, **given)["base"] == {"stamp": "86400", "due": False}
    assert probe(tree, **given, refresh_days=30)["base"]["due"]
    assert probe(tree, refreshed=str(tmp_path / "never"))["base"] == {"stamp": "", "due": False}


def test_a_pointer_of_git_lfs_is_no_file_to_serve(tree):
    (tree / "Dockerfile").write_text("FROM scratch")
    (tree / "ship.png").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
    assert "failed" not in probe(tree), "nothing says that it is one"
    (tree / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    seen = probe(tree)
    assert seen.get("failed")
    assert all(word in seen["msg"] for word in ("ship.png", "git lfs pull", "stack_project_dir"))
    (tree / "ship.png").write_bytes(b"\x89PNG")
    assert "failed" not in probe(tree)


def test_what_else_the_repository_holds_does_not_count(tree):
    (tree / "backend").mkdir()
    (tree / "backend/Dockerfile").write_text("FROM scratch")
    before = probe(tree, subdir="backend")["digest"]
    (tree / "docs.md").write_text("new")
    assert probe(tree, subdir="backend")["digest"] == before


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"subdir": "nowhere"}, "stack_project_subdir"),
        ({"subdir": "out"}, "stack_project_subdir"),
        ({"dockerfile": "docker/Dockerfile"}, "stack_dockerfile"),
        ({"wanted": {"requirements_file": "requirements/prod.txt"}}, "stack_requirements_file"),
        ({"wanted": {"python_image": "python:3.12-slim"}}, "stack_python_image"),
        ({"wanted": {"groups": ["prod"]}}, "stack_dependency_groups"),
    ],
)
def test_the_probe_names_the_variable_of_what_does_not_fit(tree, tmp_path_factory, given, variable):
    (tree / "requirements.txt").write_text("django\n")
    (tree / ".python-version").write_text("3.13\n")
    (tree / "out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    seen = probe(tree, **given)
    assert seen.get("failed")
    assert variable in seen["msg"]


@pytest.mark.parametrize("name", ["requirements.txt", "Dockerfile", ".dockerignore", "uv.lock"])
@pytest.mark.parametrize("plant", ["out", "fifo", "large", "binary"])
def test_the_probe_refuses_what_is_not_the_projects(tree, secret, name, plant):
    if plant == "out":
        (tree / name).symlink_to(secret)
    elif plant == "fifo":
        os.mkfifo(tree / name)
    else:
        (tree / name).write_bytes(b"\xff" if plant == "binary" else b"#" * (LIMIT + 1))
    seen = probe(tree)
    assert seen.get("failed")
    assert secret.read_text() not in str(seen)
    assert name in seen["msg"]


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
