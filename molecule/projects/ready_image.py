"""Builds the project atlas, with another edition, on this machine and pushes it to the lab's registry.

Writes .cache/digests.json, with the digests of that image and of the database's, for who pins them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from lab.docker import docker
from lab.services import REGISTRY_PORT, mirrored, stored

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

pushed = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", image)
mysql = next(one for one in mirrored() if str(one.official).startswith("mysql:"))
digests = {"atlas": pushed.partition("@")[2], "mysql": stored(mysql)[0]}
Path(".cache/digests.json").write_text(json.dumps(digests))
