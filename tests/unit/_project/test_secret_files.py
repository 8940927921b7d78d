# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secret files of a project: who may read them, and what stays of them for a way back."""

from __future__ import annotations

import os
import stat

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._files import bring
from ansible_collections.landfall.django.plugins.module_utils._project.secret_files import SecretFiles, entries

from rendered import SHOP, rendered, variable

CONTENT = 'first line\r\n"$HOME" {{ 7*7 }} ä\n'
FILES = {"stack_secret_files": {"api.key": CONTENT}}


def write(tmp_path, name, files):
    """A set as the role writes it, for the user of these tests."""
    me = {"owner": str(os.getuid()), "group": str(os.getgid())}
    items = [{"state": "present", "secret": False, **item, **me} for item in entries(files, "10001:10001")]
    given = {"root": str(tmp_path / "secrets/files" / name), "entries": items, "validate": [], "beside": []}
    return bring.result(given, check_mode=False)


def test_only_root_and_the_project_read_a_file():
    folder, *files = entries({"b": None, "a": True}, "10001:10002")
    assert [(one["path"], one["content"]) for one in files] == [("a", "True"), ("b", "")]
    assert {(one["owner"], one["group"]) for one in (folder, *files)} == {("10001", "0")}
    assert (folder["mode"], {one["mode"] for one in files}) == ("0550", {"0440"})
    assert all(one["secret"] for one in files)


def test_a_file_arrives_byte_for_byte_and_is_in_no_diff(tmp_path):
    said = write(tmp_path, "one", {"api.key": CONTENT})
    path = tmp_path / "secrets/files/one/api.key"
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (CONTENT.encode(), 0o440)
    assert "HOME" not in str(said)
    assert SecretFiles(tmp_path).read("one") == {"api.key": CONTENT}


def test_a_stack_without_secret_files_has_none(tmp_path):
    assert SecretFiles(tmp_path).read("") == {}
    SecretFiles(tmp_path).remove_unused(())


def test_a_set_goes_with_the_last_release_that_used_it(tmp_path):
    for name in ("one", "two"):
        write(tmp_path, name, {"api.key": name})
    SecretFiles(tmp_path).remove_unused({"two", ""})
    assert [path.name for path in (tmp_path / "secrets/files").iterdir()] == ["two"]


def test_a_rotation_changes_what_it_has_replaced_and_nothing_else(tmp_path):
    former, now = {"password": "old", "token": "same"}, {"password": "new", "token": "same"}
    write(tmp_path, "kept", {**former, "gone": "old"})
    write(tmp_path, "another", {"password": "another"})
    SecretFiles(tmp_path).replace(former, now)
    assert SecretFiles(tmp_path).read("kept") == {"password": "new", "token": "same", "gone": "old"}
    assert SecretFiles(tmp_path).read("another") == {"password": "another"}


def settled(**variables):
    return {**SHOP, "stack_secret_key": "k" * 64, **variables}


def service(name, **variables):
    return yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", settled(**variables)))["services"][name]


@pytest.mark.parametrize("name", ["web", "celery", "celery-beat", "migrate", "collectstatic"])
def test_every_container_of_the_project_mounts_them(name):
    folder = variable("stack", "__stack_secret_files_dir", settled(**FILES))
    assert f"{folder}:/run/secrets:ro" in service(name, **FILES)["volumes"]
    assert "api.key" not in str(service(name, **FILES))
    assert "/run/secrets" not in str(service(name))


CHANGES = [{"stack_secret_files": {"api.key": "another"}}, {"stack_user": "1000:1000"}, {"stack_secret_key": "another"}]


@pytest.mark.parametrize("change", CHANGES)
def test_the_name_of_a_set_depends_on_its_content_its_owner_and_a_secret(change):
    """So nobody can try contents by the name, and no file changes hands under a running container."""
    name = "__stack_secret_files"
    assert variable("stack", name, settled(**FILES)) != variable("stack", name, settled(**{**FILES, **change}))
    assert variable("stack", name, settled()) == ""
