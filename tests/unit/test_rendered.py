# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The generated Dockerfile. The linters of the stage lint read it, and the Compose files, too."""

from __future__ import annotations

import re

import pytest

from rendered import LOCKS, dockerfile

INSTALLS = re.compile(r"pip install[^&|\n]*")


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_is_installed_by_its_hash(lock: str) -> None:
    installs = INSTALLS.findall(dockerfile(lock))
    assert len(installs) == (2 if lock == "requirements.txt" else 3)
    assert all("--require-hashes" in install for install in installs)


def test_what_is_not_locked_is_installed_all_the_same() -> None:
    source = {"found": ["requirements.txt"], "content": {}, "digest": "0" * 64, "unlocked": ["django>=5"]}
    project, _gunicorn = INSTALLS.findall(dockerfile("requirements.txt", __stack_source=source))
    assert project.strip() == "pip install --requirement locked.txt"


def test_another_server_needs_no_gunicorn() -> None:
    assert "gunicorn" not in dockerfile("uv.lock", stack_web_command="uwsgi --module=shop.wsgi")


@pytest.mark.parametrize("lock", LOCKS)
def test_the_project_is_not_root(lock: str) -> None:
    assert re.findall(r"^USER (.*)$", dockerfile(lock), re.MULTILINE) == ["10001:10001"]
