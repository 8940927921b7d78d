"""The controller's Docker Engine: used where it runs, started where it does not, installed where it is missing."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from lab.shell import CACHE, LabError, run, say, stage, wait_for, works

LOG = CACHE / "dockerd.log"
PACKAGES = ("docker.io", "iptables")
INSTALL_HINT = "Install Docker Engine (https://docs.docker.com/engine/install/), start it, and run this again."


def is_here() -> bool:
    return works(["docker", "info"]) or shutil.which("dockerd") is not None


def ensure() -> None:
    """Make `docker info` work, whatever this machine is."""
    if not works(["docker", "info"]):
        if not is_here():
            install(*PACKAGES)
        with stage("starting Docker Engine"):
            start()
    clamp_mss()


def install(*packages: str) -> None:
    """Install Debian packages on the controller."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"Missing here: {', '.join(packages)}. {INSTALL_HINT}")
    with stage(f"installing {', '.join(packages)}"):
        update_lists()
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        run(words, env={"DEBIAN_FRONTEND": "noninteractive"})


@functools.cache
def update_lists() -> None:
    run(["apt-get", "update", "-qq"])


def start() -> None:
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"], cure="See `journalctl -u docker`.")
    elif os.geteuid() == 0:
        clear_stale()
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with LOG.open("ab") as log:
            # A session of its own, so that it outlives this command and its terminal.
            subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
    else:
        raise LabError(f"`docker info` does not work for this user. {INSTALL_HINT}")
    wait_for("Docker Engine", lambda: works(["docker", "info"]), seconds=60, cure=f"Its last words are in {LOG}.")


def clear_stale() -> None:
    """Remove what daemons that were killed left behind and would make the next one wait or refuse."""
    leftovers = {
        "dockerd": ["/run/docker.pid", "/run/docker.sock"],
        "containerd": [
            "/run/containerd/containerd.sock",
            "/run/containerd/containerd.sock.ttrpc",
            "/run/docker/containerd/containerd.pid",
            "/run/docker/containerd/containerd.sock",
            "/run/docker/containerd/containerd.sock.ttrpc",
        ],
    }
    running = running_programs()
    for program, paths in leftovers.items():
        if program not in running:
            for path in paths:
                Path(path).unlink(missing_ok=True)


def running_programs() -> set[str]:
    names = set()
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.add(comm.read_text().strip())
        except OSError:  # it ended meanwhile
            continue
    return names


def clamp_mss() -> None:
    """Keep nested bridges fast where the way out has a smaller MTU than a bridge (1500)."""
    mtu = outer_mtu()
    if mtu >= 1500 or os.geteuid() != 0:
        return
    rule = ["FORWARD", "-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", "--clamp-mss-to-pmtu"]
    if works(["iptables", "-t", "mangle", "-C", *rule]):
        return
    say(f"the outer MTU is {mtu}: clamping TCP's segment size on forwarded connections")
    run(["iptables", "-t", "mangle", "-A", *rule])


def outer_mtu() -> int:
    """The MTU of the interface with the default route; 1500 where that cannot be told."""
    try:
        routes = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
        interface = next(fields[0] for fields in routes if fields[1] == "00000000")
        return int(Path(f"/sys/class/net/{interface}/mtu").read_text())
    except (OSError, StopIteration):
        return 1500


@functools.cache
def builder() -> tuple[str, dict[str, str]]:
    """The docker client to build with, and its environment: BuildKit wherever a client here can speak it."""
    for client in (shutil.which("docker"), "/usr/bin/docker"):
        if client and os.access(client, os.X_OK):
            version = run([client, "version", "--format", "{{.Client.Version}}"]).strip()
            # Before 23 the client had BuildKit inside; since then it is in the buildx plugin.
            if int(version.split(".")[0]) < 23 or works([client, "buildx", "version"]):
                return client, {"DOCKER_BUILDKIT": "1"}
    return "docker", {"DOCKER_BUILDKIT": "0"}
