"""Builds the project atlas, with another edition, on this machine and pushes it to the lab's registry."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lab.docker import docker
from lab.services import REGISTRY_PORT

PROJECTS = Path("tests/projects").resolve()

with tempfile.TemporaryDirectory() as folder:
    context = shutil.copytree(PROJECTS / "atlas", Path(folder) / "atlas")
    shutil.copytree(PROJECTS / "banner", context / "vendor/banner")
    image = f"127.0.0.1:{REGISTRY_PORT}/ready/atlas:1"
    docker(
        "build",
        "--tag",
        image,
        "--file",
        str(context / "docker/Dockerfile.prod"),
        "--target",
        "runtime",
        "--build-arg",
        "EDITION=ready",
        str(context),
    )
    # As many images do, it names no user.
    (context / "Dockerfile.root").write_text(f"FROM {image}\nUSER root\n")
    docker("build", "--tag", image, "--file", str(context / "Dockerfile.root"), str(context))
    docker("push", image)
