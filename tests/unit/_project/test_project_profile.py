# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module project_profile: when it asks a container, and with what; and how the role uses the answer."""

from __future__ import annotations

import io
import json
import stat
import subprocess
from contextlib import redirect_stdout

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import cli
from ansible_collections.landfall.django.plugins.module_utils._project.settings_probe import MARK
from ansible_collections.landfall.django.plugins.modules import project_profile

from rendered import variable
from tests.unit._project.test_refusals import GOOD
from tests.unit.module_arguments import patch_module_args

ANSWER = {**GOOD, "health": {"path": "/up/", "unknown": ""}}


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Run the module; return its result, and the containers that it started with what they read."""

    def run(said=ANSWER, **arguments):
        started = []

        def execute(command, given, timeout, merge):
            started.append((command, given))
            return subprocess.CompletedProcess(command, 0, f"noise\n{MARK}{json.dumps(said)}\n", "")

        monkeypatch.setattr(cli, "execute", execute)
        given = {
            "image": "shop:1",
            "key": "one",
            "cache": str(tmp_path / "build/profile.json"),
            "environment": 'SECRET_KEY="very-secret"\n',
            "user": "10001:10001",
            **arguments,
        }
        out = io.StringIO()
        with patch_module_args(given), redirect_stdout(out), pytest.raises(SystemExit):
            project_profile.main()
        return json.loads(out.getvalue()), started

    return run


def test_a_container_is_asked_once(ask, tmp_path):
    assert len(ask()[1]) == 1
    found, started = ask()
    assert (found["profile"]["health_path"], started) == ("/up/", [])
    assert stat.S_IMODE((tmp_path / "build/profile.json").stat().st_mode) == 0o600
    assert len(ask(key="two")[1]) == 1


def test_a_check_writes_nothing(ask, tmp_path):
    assert len(ask(_ansible_check_mode=True)[1]) == 1
    assert not (tmp_path / "build").exists()


def test_the_environment_is_on_no_command_line_and_in_no_result(ask):
    found, [(command, given)] = ask(service={"environment": ["COLOUR=blue"]})
    assert "very-secret" not in " ".join(command)
    assert json.loads(given)["environment"] == {"SECRET_KEY": "very-secret", "COLOUR": "blue"}
    assert "very-secret" not in json.dumps(found)


def test_secret_files_are_in_memory_on_no_command_line_and_in_no_result(ask):
    found, [(command, given)] = ask(files={"api.key": "very-secret-file", "manage": "manage.py", "none": None})
    assert "very-secret-file" not in " ".join(command)
    assert json.loads(given)["files"] == {"api.key": "very-secret-file", "manage": "manage.py", "none": ""}
    assert any(word.startswith("--tmpfs=/run/secrets:") for word in command)
    assert "very-secret-file" not in json.dumps(found)
    # What a file happens to say is not hidden from the answer.
    assert found["profile"]["manage"] == "manage.py"


def test_a_missing_secret_file_is_named_and_no_content_repeated(ask):
    error = {"kind": "FileNotFoundError", "text": "no line of the key", "where": "", "code": None, "said": ""}
    lost = {**error, "errno": 2, "path": "/run/secrets/smtp/key"}
    found, _ = ask({"error": lost}, files={"api": "first\nline of the key\n"})
    assert all(word in found["msg"] for word in ("smtp/key", "stack_secret_files"))
    assert "line of the key" not in found["msg"]


def test_settings_that_do_not_load_fail_the_run_every_time(ask):
    error = {"kind": "KeyError", "text": "'TOKEN'", "where": "", "code": None, "said": "", "errno": None, "path": ""}
    for _ in range(2):
        found, started = ask({"error": error})
        assert found["failed"]
        assert "TOKEN" in found["msg"]
        assert len(started) == 1


def test_a_project_without_a_health_page_is_told(ask):
    found, _ = ask({**ANSWER, "health": {"path": "", "unknown": "RuntimeError: no table"}})
    assert found["profile"]["health_path"] == "/"
    assert all(word in found["profile"]["note"] for word in ("stack_health_path", "/health/", "no table"))
    assert ask(key="two")[0]["profile"]["note"] == ""


FOUND = {
    "stack": "shop",
    "profile": {**ANSWER, "health_path": "/up/", "note": "", "manage": "src/manage.py", "media_root": "/code/media"},
}
NAMES = ("stack_manage_command", "stack_health_path", "stack_media_path", "stack_static_path", "stack_collectstatic")


def test_what_nobody_set_is_what_the_project_says():
    said = [variable("stack", name, {"__stack_profile_found": FOUND}) for name in NAMES]
    assert said == ["python3 src/manage.py", "/up/", "/code/media", "/app/staticfiles", True]
    assert variable("stack", "stack_media_path", {"__stack_profile_found": FOUND, "stack_media_path": "/x"}) == "/x"


@pytest.mark.parametrize("found", [{}, {"__stack_profile_found": {**FOUND, "stack": "another"}}])
def test_until_the_project_is_asked_it_is_what_is_usual(found):
    said = [variable("stack", name, found) for name in NAMES]
    assert said == ["python3 manage.py", "/health/", "/app/media", "/app/staticfiles", True]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "stack_database"),
        ({"stack_database": "postgresql"}, ""),
        ({"stack_database": "postgresql", "stack_database_host": "pg.example.com"}, "pg.example.com"),
        ({"stack_accepted": ["database"]}, ""),
        ({"stack_database": "postgresql", "stack_media_path": "/app"}, "DATABASES default"),
        ({"stack_database": "postgresql", "stack_media_path": ""}, ""),
    ],
)
def test_the_role_refuses_what_does_not_fit(given, word):
    said = variable("stack", "__stack_profile_refusal", {"__stack_profile_found": FOUND, **given})
    assert (word in said) if word else said == ""


@pytest.mark.parametrize(
    ("given", "has"),
    [({}, True), ({"stack_mode": "development"}, False), ({"stack_manage_command": ""}, False)],
)
def test_only_a_django_project_in_production_is_asked(given, has):
    assert variable("stack", "__stack_has_profile", given) is has


def test_nothing_is_asked_again_while_image_and_environment_stay():
    key = variable("stack", "__stack_profile_key", {})
    known = {"__stack_source": {"profile": {"key": key, "profile": {}}}}
    assert variable("stack", "__stack_profile_is_known", known) is True
    for changed in (
        {"stack_environment": {"A": "b"}},
        {"stack_user": "1:1"},
        {"stack_domains": ["a.example.com"]},
        {"stack_manage_command": "python3 src/manage.py"},
        {"stack_compose_override": {"services": {"web": {"read_only": False}}}},
    ):
        assert variable("stack", "__stack_profile_is_known", {**known, **changed}) is False, changed
