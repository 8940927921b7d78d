"""Builds the collection's artefact, as it would be published, into dist/ (or the folder given) and prints its path."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(folder: Path) -> Path:
    """Return the path of the one artefact now in folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        command = ["ansible-galaxy", "collection", "build", "--output-path", fresh, str(ROOT)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (built,) = Path(fresh).glob("*.tar.gz")
        return built.rename(folder / built.name)


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"))
