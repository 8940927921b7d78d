"""The lab's images: the official ones where Docker Hub answers, stand-ins built from Debian packages where not.

A folder of `lab/images` is one image. Comments at the top of its Dockerfile say what it is: `# base:` the Debian
suites it is built on, `# tag:` its name (with the suite as its tag where there are several suites), and
`# official:` the image of Docker Hub that it stands in for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from lab import base, docker
from lab.docker import INPUTS
from lab.shell import ROOT, LabError, say, stage

FOLDER = ROOT / "lab" / "images"
PARALLEL = 2


@dataclass(frozen=True)
class Image:
    folder: Path
    suite: str
    tag: str
    official: str | None = None
    bases: frozenset[str] = frozenset()  # every suite that a stage of it builds on

    @property
    def name(self) -> str:
        return self.folder.name


def parse(folder: Path, dockerfile: str) -> list[Image]:
    """What the comments at the top of a Dockerfile say: one image, or one a suite."""
    head: dict[str, str] = {}
    for line in dockerfile.splitlines():
        if not line.startswith("#"):
            break
        if field := re.fullmatch(r"#\s*(base|tag|official):\s*(\S.*?)\s*", line):
            head[field[1]] = field[2]
    suites = head.get("base", "trixie").split()
    if unknown := set(suites) - set(base.SUITES):
        raise LabError(f"{folder / 'Dockerfile'}: no such base: {', '.join(sorted(unknown))}")
    tag = head.get("tag", f"landfall-lab/{folder.name}")
    if len(suites) > 1:
        return [Image(folder, suite, f"{tag}:{suite}", bases=frozenset({suite})) for suite in suites]
    more = re.findall(r"^ARG BASE_\w+=landfall-lab/base:(\w+)", dockerfile, re.MULTILINE)
    return [Image(folder, suites[0], tag, head.get("official"), frozenset({suites[0], *more}))]


def catalogue() -> list[Image]:
    """Every image that the lab can make."""
    folders = sorted(file.parent for file in FOLDER.glob("*/Dockerfile") if file.parent != base.CONTEXT)
    return [image for folder in folders for image in parse(folder, (folder / "Dockerfile").read_text())]


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
    inputs = docker.digest(image.folder, *base_ids)
    if not docker.is_current(image.tag, inputs):
        with stage(f"building {image.tag}"):
            docker.build(image.folder, image.tag, inputs, {"BASE": base.tag(image.suite)})


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
