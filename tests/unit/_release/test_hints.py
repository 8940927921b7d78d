# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What failed programs said, recorded, and which of their lines tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.filter.build_failure import build_failure
from ansible_collections.landfall.django.plugins.module_utils._release.hints import error_line, with_cure

RECORDED = Path(__file__).parents[1] / "recorded/failures"
TELLING = {
    "python-chained": "RuntimeError: cannot start",
    "python-recursion": "RecursionError: maximum recursion depth exceeded",
    "python-syntax": "SyntaxError: invalid syntax",
    "python-group": "ExceptionGroup: several (2 sub-exceptions)",
    "gunicorn-boot": "RuntimeError: broken on purpose",
    "gunicorn-setting": "KeyError: 'PORT'",
    "django-settings": "django.core.exceptions.ImproperlyConfigured: 'django.db.backends.nothing' isn't an available",
    "django-check": "?: (staticfiles.E002) The STATICFILES_DIRS setting should not contain the STATIC_ROOT setting.",
    "docker-image": "docker: Error response from daemon: Get",
    "docker-program": "docker: Error response from daemon: failed to create shim task",
    "mysql-client": "ERROR 2003 (HY000): Can't connect to MySQL server",
    "uv-version": "error: No solution found when resolving dependencies: Because nosuchpackage-landfall was not found",
    "uv-network": "error: Request failed after 3 retries in 10.3s: failed to lookup address information",
    "build-no-network": "E: Unable to locate package build-essential",
    "build-package": "E: Unable to locate package no-such-package-here",
    "build-version": "ERROR: Could not find a version that satisfies the requirement nosuchpackage-landfall==99",
    "build-import": "ModuleNotFoundError: No module named 'nothing_here'",
    "build-copy": 'ERROR: "/nothing.txt" not found: not found',
    "build-syntax": "ERROR: failed to solve: rpc error",
}


def said(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text()


def test_every_recording_is_tried() -> None:
    assert sorted(TELLING) == sorted(file.stem for file in RECORDED.glob("*.txt"))


@pytest.mark.parametrize("name", sorted(TELLING))
def test_the_line_that_tells(name: str) -> None:
    assert error_line(said(name)).startswith(TELLING[name])


@pytest.mark.parametrize("lost", [3, 8, 15])
def test_it_is_found_though_the_beginning_is_cut_off(lost: int) -> None:
    cut = "\n".join(said("python-chained").splitlines()[lost:])
    assert error_line(cut) == TELLING["python-chained"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n\n", ""),
        ("one\ntwo\n", "two"),
        ("could not open it\nbye\n", "could not open it"),
        ("\x1b[31mE: broken\x1b[0m", "E: broken"),
        ("CommandError: Unable to serialize database\n", "CommandError: Unable to serialize database"),
        ("celery-1  | Error: Unable to load celery application.", "Error: Unable to load celery application."),
        ("x" * 1000, "x" * 400 + "…"),
        ('  File "a.py", line 1, in b\n', 'File "a.py", line 1, in b'),
    ],
)
def test_any_other_text_has_one_too(text: str, line: str) -> None:
    assert error_line(text) == line


@pytest.mark.parametrize("name", ["build-no-network", "uv-network"])
def test_a_build_without_a_network_says_so_first(name: str) -> None:
    found = build_failure({"stderr": said(name), "msg": "Building failed"})
    assert "docker_daemon_options" in found["reason"].partition(TELLING[name])[0]
    assert found["reason"].count(TELLING[name]) == 1


@pytest.mark.parametrize("name", ["build-package", "build-import", "build-copy", "build-syntax"])
def test_any_other_failed_build_says_its_line(name: str) -> None:
    assert build_failure({"stderr": said(name)})["reason"].startswith(TELLING[name])


def test_a_package_that_the_index_does_not_know_at_all() -> None:
    reason = build_failure({"stderr": said("build-version")})["reason"]
    assert "index" in reason.partition("ERROR:")[0]
    assert "docker_daemon_options" not in reason


def test_the_log_of_a_build_is_shown_once() -> None:
    log = build_failure({"stderr": said("build-import")})["log"]
    assert log.count("ModuleNotFoundError: No module named 'nothing_here'") == 1
    assert len(build_failure({"stderr": "line\n" * 500})["log"]) == 40


def test_a_builder_that_did_not_start() -> None:
    found = build_failure({"msg": "Docker CLI has no buildx plugin"})
    assert found == {"reason": "Docker CLI has no buildx plugin", "log": []}


@pytest.mark.parametrize(
    ("said", "variable"),
    [
        ("OSError: [Errno 30] Read-only file system: '/app/cache'", "stack_compose_override"),
        ("PermissionError: [Errno 13] Permission denied: '/root/key'", "stack_user"),
        ("chown: changing ownership: Operation not permitted", "cap_add"),
        ("This server MUST be run as root.", "stack_user to 0:0"),
    ],
)
def test_a_log_tells_which_variable_helps(said: str, variable: str) -> None:
    assert with_cure(said).startswith(said)
    assert variable in with_cure(said).removeprefix(said)


def test_of_anything_else_nothing_is_added() -> None:
    assert with_cure("SyntaxError: invalid syntax") == "SyntaxError: invalid syntax"
