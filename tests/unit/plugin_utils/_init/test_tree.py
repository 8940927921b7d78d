# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A project's files are read, its links out are not, and odd files do no harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.plugin_utils._init import tree
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree, found

from tests.unit.plugin_utils._init.projects import make


def test_upper_folders_come_first_and_those_of_others_are_left_out(tmp_path: Path) -> None:
    names = ["a/b/c.py", "z.py", "node_modules/x/manage.py", ".git/config", "py/pyvenv.cfg", "py/lib/manage.py"]
    assert Tree(str(make(tmp_path, dict.fromkeys(names, "")))).files == ["z.py", "a/b/c.py"]


def test_a_huge_tree_is_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAXIMUM_FILES", 3)
    many = Tree(str(make(tmp_path, {f"data/{number}": "" for number in range(9)} | {"manage.py": ""})))
    assert (len(many.files), many.files[0], many.complete) == (3, "manage.py", False)


def test_links_out_of_the_project_are_not_followed(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside", {"secret.py": "SECRET = 1", "folder/manage.py": ""})
    inside = make(tmp_path / "inside", {"real.txt": "here"})
    (inside / "secret.py").symlink_to(outside / "secret.py")
    (inside / "folder").symlink_to(outside / "folder")
    (inside / "link.txt").symlink_to("real.txt")
    (inside / "loop").symlink_to("loop")
    looked = Tree(str(inside))
    assert looked.text("link.txt") == "here"
    assert not any(looked.has(name) for name in ("secret.py", "../outside/secret.py", "loop", "folder/manage.py"))
    assert looked.module("secret.py") is None
    assert looked.named("manage.py") == []


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.py")
    assert Tree(str(tmp_path)).content("settings.py") == b""


@pytest.mark.parametrize(
    ("content", "is_parsed"),
    [
        ("# coding: latin-1\nNAME = 'Möwe'\n".encode("latin-1"), True),
        ("\ufeffNAME = 'Möwe'\n".encode(), True),
        (b"NAME = '\xff'\n", False),
        (b"NAME = 1\0", False),
        (b"print 'python 2'\n", False),
        (b"NAME = " + b"(" * 5000 + b")" * 5000, False),
    ],
)
def test_odd_encodings_and_broken_files(tmp_path: Path, content: bytes, is_parsed: bool) -> None:
    (tmp_path / "settings.py").write_bytes(content)
    assert (Tree(str(tmp_path)).module("settings.py") is not None) == is_parsed


def test_text_of_windows(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("django\r\npsycopg\r\n".encode("utf-16"))
    assert Tree(str(tmp_path)).lines("requirements.txt") == [(1, "django"), (2, "psycopg")]


@pytest.mark.parametrize("text", ["{{ lookup('pipe', 'id') }}", "a\nb", "{% raw %}", "\x1b[2J", "a'b", "$(id)"])
def test_nothing_is_taken_over_that_could_be_a_template_or_more_than_a_line(text: str) -> None:
    assert found(text, "settings.py:1") is None
    assert found("shop.wsgi:application", text) is None
