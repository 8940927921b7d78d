# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image_probe: what it refuses, and when it asks a container."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import cli
from ansible_collections.landfall.django.plugins.module_utils._project import ask_image
from ansible_collections.landfall.django.plugins.modules import image_probe

from tests.unit.module_arguments import patch_module_args


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Run the module on an image that says this of itself; return its result and how often a container was asked."""

    def run(said, volumes=(), **arguments):
        asked = []

        def execute(command, given, timeout, merge):
            if "run" in command:
                asked.append(command)
                return subprocess.CompletedProcess(
                    command, 0, json.dumps({"missing": [], "workdir": "/app", **said}), ""
                )
            image = {"Id": "sha256:one", "Config": {"Volumes": {path: {} for path in volumes}}}
            return subprocess.CompletedProcess(command, 0, json.dumps([image]), "")

        monkeypatch.setattr(cli, "execute", execute)
        given = {"image": "shop:1", "cache": str(tmp_path / "build/image.json"), **arguments}
        out = io.StringIO()
        with patch_module_args(given), redirect_stdout(out), pytest.raises(SystemExit):
            image_probe.main()
        return json.loads(out.getvalue()), len(asked)

    return run


def test_a_container_is_asked_once(probe):
    said = {"uid": 1000, "gid": 1000}
    assert probe(said)[1] == 1
    found, asked = probe(said)
    assert (found["uid"], asked) == (1000, 0)


def test_a_home_is_a_folder_of_the_image(tmp_path):
    def homes(home):
        probe = [sys.executable, "-c", ask_image._PROBE, "[]"]
        said = subprocess.run(probe, env={"HOME": home}, capture_output=True, text=True, check=True).stdout
        return json.loads(said)["homes"]

    assert homes(str(tmp_path))[str(os.getuid())] == str(tmp_path)
    assert str(os.getuid()) not in homes("/")
    assert str(os.getuid()) not in homes("/nonexistent")


@pytest.mark.parametrize("uid", [10002, 10003, 10004])
def test_an_image_with_the_user_of_another_service_is_refused(probe, uid):
    said = {"uid": uid, "gid": uid}
    found, _ = probe(said)
    assert found["failed"]
    assert "stack_user" in found["msg"]
    assert str(uid) in found["msg"]
    assert "failed" not in probe(said, user="10001:10001")[0]
    assert probe(said)[0]["failed"], "also after a run with a stack_user"


def test_a_module_that_is_missing_is_named_in_every_run(probe):
    said = {"uid": 1000, "gid": 1000, "missing": ["shop.wsgi"]}
    for _ in range(2):
        found, asked = probe(said, modules={"stack_wsgi_application": "shop.wsgi"})
        assert "stack_wsgi_application" in found["msg"]
        assert "shop.wsgi" in found["msg"]
        assert asked == 1


def test_the_volumes_of_the_image_are_named(probe):
    found, _ = probe({"uid": 1000, "gid": 1000}, ["/app/media/thumbs", "/app/index"])
    assert found["volumes"] == ["/app/index", "/app/media/thumbs"]
