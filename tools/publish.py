"""Rehearses a publication: the changelog of the next release, and Galaxy's import of the artefact.

Everything happens in a folder of its own, and the checkout stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from artefact import ROOT, build

IMPORTED = "Importer processing completed successfully"


def copy(target: Path) -> None:
    """Copy what git knows or would add."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def entries(fragments: Path) -> Iterator[str]:
    """Each text of each fragment."""
    for file in sorted(fragments.glob("*.y*ml")):
        for section in yaml.safe_load(file.read_text(encoding="utf-8")).values():
            yield from [section] if isinstance(section, str) else section


def missing(texts: Iterator[str], changelog: str) -> list[str]:
    """The texts that a changelog does not have, whatever markup it gives them."""
    whole = letters(changelog)
    return [text for text in texts if letters(text) not in whole]


def letters(text: str) -> str:
    return re.sub(r"</?\w+>|[\W_]", "", text).lower()


def release_problems(folder: Path) -> list[str]:
    """Release the changelog of the copy in `folder`, and say what is wrong with it."""
    version = yaml.safe_load((folder / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    wanted = entries(ROOT / "changelogs/fragments")
    done = subprocess.run(["antsibull-changelog", "release", "--version", version], cwd=folder, check=False)
    if done.returncode:
        return [f"antsibull-changelog cannot release {version}: see above."]
    changelog = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    problems = [f"CHANGELOG.md of {version} does not list: {text}" for text in missing(wanted, changelog)]
    known: dict[str, Any] = yaml.safe_load((folder / "changelogs/changelog.yaml").read_text(encoding="utf-8"))
    if version not in known["releases"]:
        problems.append(f"changelogs/changelog.yaml has no release {version}.")
    return problems


def import_problems(artefact: Path, folder: Path) -> list[str]:
    """Import the artefact as Galaxy does, and return each warning and error."""
    environment = os.environ | {"GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": str(folder / "tmp")}
    # It leaves its result in the folder where it runs.
    command = [sys.executable, "-m", "galaxy_importer.main", str(artefact)]
    done = subprocess.run(command, cwd=folder, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Loading ")]
    print("\n".join(lines), flush=True)
    return complaints(lines, done.returncode)


def complaints(lines: list[str], code: int) -> list[str]:
    """What the importer says against an artefact. It ends with 0 after some errors, too."""
    found = [line for line in lines if re.match(r"(WARNING|ERROR|CRITICAL):", line)]
    if code or IMPORTED not in lines:
        found.append(f"galaxy-importer did not get to its end (code {code}).")
    return found


def main() -> int:
    (ROOT / ".cache").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache", prefix="publish.") as name:
        folder = Path(name)
        copied = folder / "release"
        copy(copied)
        problems = [*release_problems(copied), *import_problems(build(folder), folder)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
