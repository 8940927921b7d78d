# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import cli
from ansible_collections.landfall.django.plugins.module_utils._project import image_cache

SAID = {"uid": 10001, "gid": 10001, "workdir": "/app", "missing": []}


@pytest.fixture
def images(monkeypatch):
    """The images of the host by their names."""
    known = {}

    def execute(command, given, timeout, merge):
        name = command[-1]
        if "ls" in command:
            return subprocess.CompletedProcess(command, 0, "".join(f"{one}\n" for one in known), "")
        if name not in known:
            return subprocess.CompletedProcess(command, 1, "", f"Error: No such image: {name}")
        return subprocess.CompletedProcess(command, 0, json.dumps([{"Id": known[name]}]), "")

    monkeypatch.setattr(cli, "execute", execute)
    return known


@pytest.fixture
def cache(tmp_path):
    path = str(tmp_path / "build/image.json")
    image_cache.keep(path, "shop:1", "sha256:one", ["shop.wsgi", "shop"], SAID)
    return path


def test_the_same_question_about_the_same_image_is_answered(cache):
    assert image_cache.answer(cache, "sha256:one", ["shop", "shop.wsgi"]) == SAID
    assert image_cache.answer(cache, "sha256:two", ["shop", "shop.wsgi"]) == {}
    assert image_cache.answer(cache, "sha256:one", ["shop"]) == {}


def test_the_last_image_counts_only_while_it_is_there(cache, images):
    assert image_cache.last(cache) == {}
    images["shop:1"] = "sha256:other"
    assert image_cache.last(cache) == {}
    images["shop:1"] = "sha256:one"
    found = image_cache.last(cache)
    assert (found["name"], found["modules"], found["uid"]) == ("shop:1", ["shop", "shop.wsgi"], 10001)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"image": "shop:1"}'])
def test_a_broken_cache_has_no_answer(tmp_path, images, text):
    path = tmp_path / "image.json"
    path.write_text(text)
    assert image_cache.last(str(path)) == {}
    assert image_cache.answer(str(path), "sha256:one", []) == {}


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "build").write_text("a file in the way")
    image_cache.keep(str(tmp_path / "build/image.json"), "shop:1", "sha256:one", [], SAID)


def test_the_images_of_a_repository_are_listed(images, monkeypatch):
    images["shop:1"] = "sha256:one"
    assert image_cache.names("shop") == ["shop:1"]
    monkeypatch.setattr(cli, "execute", lambda *_: subprocess.CompletedProcess([], 1, "", "no daemon"))
    assert image_cache.names("shop") == []
