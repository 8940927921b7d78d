"""The few things the lab asks of the docker command."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from lab.engine import builder
from lab.shell import LabError, run

LABEL = "landfall.lab"
INPUTS = f"{LABEL}.inputs"


def docker(*words: str | Path, stdin: str | None = None, timeout: float | None = None) -> str:
    return run(["docker", *words], stdin=stdin, timeout=timeout).strip()


def inspect(kind: str, name: str, template: str) -> str | None:
    """One value of an image, container, network or volume; None where there is no such thing."""
    try:
        return docker(kind, "inspect", "--format", template, name)
    except LabError as error:
        if "no such" in str(error).lower() or "not found" in str(error).lower():
            return None
        raise


def listed(kind: str, label: str) -> list[str]:
    """Ids of containers, or names of networks or volumes, that carry a label.

    No label of an image is asked for here: every container of an image, and of all that is built on it, inherits it.
    """
    every = ["--all"] if kind == "container" else []
    return sorted(set(docker(kind, "ls", "--quiet", *every, "--filter", f"label={label}").split()))


def digest(context: Path, *more: str) -> str:
    """What an image is made of, as one short word: every file's path, mode and content, and more."""
    total = hashlib.sha256()
    for file in sorted(path for path in context.rglob("*") if path.is_file()):
        mode = "x" if file.stat().st_mode & 0o100 else "-"
        total.update(f"{file.relative_to(context)}\0{mode}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    for text in more:
        total.update(hashlib.sha256(text.encode()).digest())
    return total.hexdigest()[:16]


def is_current(image: str, inputs: str) -> bool:
    return inspect("image", image, f'{{{{index .Config.Labels "{INPUTS}"}}}}') == inputs


def build(context: Path, name: str, inputs: str, arguments: Mapping[str, str]) -> None:
    client, env = builder()
    words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    run([client, "build", "--tag", name, "--label", f"{INPUTS}={inputs}", *words, context], env=env)
