"""The base images: Docker Hub's Debian where the Hub answers, mmdebstrap's where it does not."""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import ssl
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

from lab import debian, docker, engine
from lab.shell import ROOT, run, say, stage

SUITES = ("trixie", "sid", "bookworm")
CONTEXT = ROOT / "lab" / "images" / "base"
MOZILLA = Path("/usr/share/ca-certificates/mozilla")
ROOTFS_OPTIONS = (
    "--variant=apt",
    "--include=ca-certificates,passwd",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=APT::Install-Recommends "false"',
    *(f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "info", "locale")),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    '--customize-hook=rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/0000* "$1"/etc/resolv.conf',
)
_installing = threading.Lock()
_asking = threading.Lock()
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def tag(suite: str) -> str:
    return f"landfall-lab/base:{suite}"


def rootfs_tag(suite: str) -> str:
    return f"landfall-lab/rootfs:{suite}"


def ensure(suite: str) -> None:
    """Have a suite's base image, built once and again only when what goes into it changed."""
    inputs = docker.digest(CONTEXT, *ROOTFS_OPTIONS, *extra_authorities())
    if docker.is_current(tag(suite), inputs):
        return
    with stage(f"building {tag(suite)}"):
        build(suite, inputs)


def build(suite: str, inputs: str) -> None:
    with tempfile.TemporaryDirectory(prefix="landfall-lab-") as scratch:
        context = Path(scratch) / "context"
        shutil.copytree(CONTEXT, context)
        (context / "certificates").mkdir()
        for certificate in extra_authorities():
            name = hashlib.sha256(certificate.encode()).hexdigest()[:16]
            (context / "certificates" / f"{name}.crt").write_text(certificate)
        rootfs = f"debian:{suite}"
        if not hub_answers():
            rootfs = rootfs_tag(suite)
            import_rootfs(suite, rootfs, Path(scratch))
        docker.build(context, tag(suite), inputs, {"ROOTFS": rootfs})


def import_rootfs(suite: str, name: str, scratch: Path) -> None:
    """A minimal Debian from the controller's own mirror."""
    require_tools()
    sources = scratch / "debian.sources"
    sources.write_text(debian.mirror().sources(suite))
    sources.chmod(0o644)
    archive = scratch / "rootfs.tar"
    upload = f"--customize-hook=upload {sources} /etc/apt/sources.list.d/debian.sources"
    run(
        ["mmdebstrap", "--quiet", *ROOTFS_OPTIONS, upload, suite, archive, sources],
        cure="The controller's apt sources must serve this suite.",
    )
    run(["docker", "import", "--change", f"LABEL {docker.INPUTS}=rootfs", archive, name])


def require_tools() -> None:
    tools = {"mmdebstrap": "mmdebstrap", "gpg": "gnupg"}
    with _installing:
        if absent := [package for program, package in tools.items() if not shutil.which(program)]:
            engine.install(*absent)


def hub_answers() -> bool:
    with _asking:
        return _hub_answers()


@functools.cache
def _hub_answers() -> bool:
    """Whether Docker Hub can be reached from here; asked once."""
    try:
        with urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=4) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:  # 401 is how a registry says that it is one
        headers = error.headers
    except OSError:
        headers = {}
    answers = "docker-distribution-api-version" in headers
    say(f"Docker Hub {'answers' if answers else 'is out of reach: images are made from Debian packages'}")
    return answers


@functools.cache
def extra_authorities() -> tuple[str, ...]:
    """Certificates that the controller trusts beyond Mozilla's list, such as a company's own."""
    bundle = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    if not bundle.is_file() or not MOZILLA.is_dir():
        return ()
    public = {canonical(file.read_text()) for file in MOZILLA.glob("*.crt")}
    return tuple(sorted(pem for pem in PEM.findall(bundle.read_text()) if canonical(pem) not in public))


def canonical(pem: str) -> str:
    return "".join(pem.split())
