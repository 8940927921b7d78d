"""The lab's images: the official ones where Docker Hub answers, stand-ins built from Debian packages where not.

A folder of `lab/images` with a Dockerfile is one image, or one for each Debian suite. Comments at the top of the
Dockerfile say what it is:

`# base:` the suites it is built on.
`# tag:` its name, or a name for each suite. Where several suites share a name, the suite is its tag.
`# official:` the image of Docker Hub that it stands in for, or one for each suite.
`# with:` files of `lab/images/shared` that it is built with.
`# when: listed` for an image that is only made for hosts whose inventory lists it in `lab_images`.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from lab import base, docker
from lab.docker import INPUTS
from lab.shell import ROOT, LabError, say, stage

FOLDER = ROOT / "lab" / "images"
SHARED = FOLDER / "shared"
PARALLEL = 2


@dataclass(frozen=True)
class Image:
    folder: Path
    suite: str
    tag: str
    official: str | None = None
    bases: frozenset[str] = frozenset()  # every suite that a stage of it builds on
    shared: tuple[str, ...] = ()
    only_listed: bool = False

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def version(self) -> str:
        return self.tag.rpartition(":")[2]


def parse(folder: Path, dockerfile: str) -> list[Image]:
    """What the comments at the top of a Dockerfile say: one image, or one a suite."""
    file = folder / "Dockerfile"
    head: dict[str, list[str]] = {}
    for line in dockerfile.splitlines():
        if not line.startswith("#"):
            break
        if field := re.fullmatch(r"#\s*(base|tag|official|with|when):\s*(\S.*?)\s*", line):
            head[field[1]] = field[2].split()
    suites = head.get("base", ["trixie"])
    if unknown := set(suites) - set(base.SUITES):
        raise LabError(f"{file}: no such base: {', '.join(sorted(unknown))}")
    tags = head.get("tag", [f"landfall-lab/{folder.name}"])
    if len(tags) == 1 < len(suites):
        tags = [f"{tags[0]}:{suite}" for suite in suites]
    officials = head.get("official", [None] * len(suites))
    if not len(tags) == len(officials) == len(suites):
        raise LabError(f"{file}: give as many names after `# tag:` and `# official:` as suites after `# base:`")
    if head.get("when", ["listed"]) != ["listed"]:
        raise LabError(f"{file}: `# when:` can only be `listed`")
    more = re.findall(r"^ARG BASE_\w+=landfall-lab/base:(\w+)", dockerfile, re.MULTILINE)
    return [
        Image(folder, suite, tag, official, frozenset({suite, *more}), tuple(head.get("with", [])), "when" in head)
        for suite, tag, official in zip(suites, tags, officials, strict=True)
    ]


def catalogue() -> list[Image]:
    """Every image that the lab can make."""
    folders = sorted(file.parent for file in FOLDER.glob("*/Dockerfile") if file.parent != base.CONTEXT)
    return [image for folder in folders for image in parse(folder, (folder / "Dockerfile").read_text())]


def needed(suites: set[str], listed: set[str]) -> list[Image]:
    """What hosts of these suites need, with the official images that they list."""
    every = catalogue()
    known = {one.official for one in every if one.official}
    if unknown := listed - known:
        raise LabError(f"lab_images: the lab has no {', '.join(sorted(unknown))}. It has {', '.join(sorted(known))}.")
    return [
        one
        for one in every
        if (one.suite in suites if one.name == "vps" else one.official in listed or not one.only_listed)
    ]


def ensure(images: Iterable[Image]) -> None:
    """Have these images; what is missing or out of date is pulled or built, two at a time."""
    wanted = list(images)
    foreign = [image for image in wanted if image.official and not _is_ours(image.official)]
    absent = [image for image in foreign if docker.inspect("image", str(image.official), "{{.Id}}") is None]
    local = [image for image in wanted if image not in foreign]
    local += [image for image in absent if not base.hub_answers()]
    with ThreadPoolExecutor(PARALLEL) as pool:
        work = [pool.submit(_pull, image) for image in absent if image not in local]
        suites = sorted({suite for image in local for suite in image.bases}, key=base.SUITES.index)
        bases = {pool.submit(base.ensure, suite): suite for suite in suites}
        ready: set[str] = set()
        for future in as_completed(bases):
            future.result()
            ready.add(bases[future])
            startable = [image for image in local if image.bases <= ready]
            work += [pool.submit(_build, image) for image in startable]
            local = [image for image in local if image not in startable]
        for future in work:
            future.result()


def _build(image: Image) -> None:
    base_ids = [docker.inspect("image", base.tag(suite), "{{.Id}}") or "" for suite in sorted(image.bases)]
    with _context(image) as context:
        inputs = docker.digest(context, *base_ids)
        if not docker.is_current(image.tag, inputs):
            with stage(f"building {image.tag}"):
                arguments = {"BASE": base.tag(image.suite), "VERSION": image.version}
                docker.build(context, image.tag, inputs, arguments)


@contextlib.contextmanager
def _context(image: Image) -> Iterator[Path]:
    """The folder to build from: the image's own, or a copy of it with the shared files."""
    if not image.shared:
        yield image.folder
        return
    with tempfile.TemporaryDirectory(prefix="landfall-lab-") as scratch:
        context = Path(scratch) / "context"
        shutil.copytree(image.folder, context)
        for name in image.shared:
            shutil.copy(SHARED / name, context)
        yield context


def _pull(image: Image) -> None:
    with stage(f"pulling {image.official}"):
        docker.docker("pull", "--quiet", str(image.official))
        if image.tag != image.official:
            docker.docker("tag", str(image.official), image.tag)


def _is_ours(name: str) -> bool:
    """Whether an official name is worn by a stand-in here."""
    return bool(docker.inspect("image", name, f'{{{{index .Config.Labels "{INPUTS}"}}}}'))


def remove() -> None:
    """Remove what the lab built. Pulled images stay: other work on this machine may use them."""
    names = [image.tag for image in catalogue() if image.official is None or _is_ours(image.official)]
    names += [name(suite) for suite in base.SUITES for name in (base.tag, base.rootfs_tag)]
    if found := [name for name in names if docker.inspect("image", name, "{{.Id}}")]:
        say(f"removing {len(found)} images")
        docker.docker("image", "rm", *found)
    docker.docker("image", "prune", "--force", "--filter", f"label={INPUTS}")
