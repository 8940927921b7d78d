# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as a locked requirement."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.requirements import unlocked

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
