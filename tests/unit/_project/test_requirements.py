# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as a locked requirement."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.requirements import (
    closure,
    local_paths,
    unlocked,
    unlocked_in,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a comment",
        "--index-url https://pypi.example.test/simple",
        "django==5.2.1 --hash=sha256:ab",
        "Django == 5.2.1 --hash=sha256:ab --hash=sha256:cd  # why",
        "celery[redis]==5.5.0 ; python_version < '3.14' \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd",
        "odd===1.0-x --hash=sha256:ab",
        "mine @ https://example.test/mine-1.0.tar.gz --hash=sha256:ab",
    ],
)
def test_a_locked_line(line: str) -> None:
    assert unlocked(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "django",
        "django>=5.2,<5.3",
        "django==5.2.1",
        "django==5.2.* --hash=sha256:ab",
        "django~=5.2 --hash=sha256:ab",
        "django!=5.2 --hash=sha256:ab",
        "django ; python_version == '3.13' --hash=sha256:ab",
        "-r base.txt",
        "--requirement base.txt",
        "-c constraints.txt",
        "-e .",
        "git+https://example.test/mine.git",
    ],
)
def test_an_unlocked_line(line: str) -> None:
    assert unlocked(f"# first\n{line}\nuv==1 --hash=sha256:ab\n") == [line]


@pytest.mark.parametrize(
    "file",
    [ROOT / "requirements/dev.txt", *sorted((ROOT / "roles/stack/files/tools").glob("*.txt"))],
    ids=lambda file: file.name,
)
def test_what_we_install_is_locked(file: Path) -> None:
    text = file.read_text()
    assert "==" in text
    assert unlocked(text) == []


def test_included_files_are_found_from_the_file_that_names_them() -> None:
    files = {
        "requirements.txt": "-r requirements/production.txt\n-r missing.txt\n-r https://example.test/more.txt\n",
        "requirements/production.txt": "--requirement=base.txt\n-c ../constraints.txt  # pins\ngunicorn\n",
        "requirements/base.txt": "-r production.txt\ndjango==5.2 --hash=sha256:ab\n",
        "constraints.txt": "django==5.2 --hash=sha256:ab\n",
        "requirements/local.txt": "-r base.txt\n",
    }
    found = closure("requirements.txt", files.get)
    assert found.keys() == files.keys() - {"requirements/local.txt"}
    assert next(iter(found)) == "requirements.txt"
    assert unlocked_in(found) == ["gunicorn"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-e .", ["."]),
        ("-e ./libs/tools[extra] ; python_version > '3'", ["./libs/tools"]),
        ("--editable=libs/tools", ["libs/tools"]),
        ("../shared", ["../shared"]),
        ("./wheels/mine-1.0-py3-none-any.whl --hash=sha256:ab", ["./wheels/mine-1.0-py3-none-any.whl"]),
        ("-e git+https://example.test/mine.git#egg=mine", []),
        ("django==5.2", []),
        ("-r base.txt", []),
    ],
)
def test_what_a_requirements_file_installs_from_the_project_itself(line: str, found: list[str]) -> None:
    assert local_paths(line) == found
