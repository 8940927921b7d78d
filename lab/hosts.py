"""The hosts: containers that behave like bare cloud machines, with systemd and sshd, and room for a Docker Engine."""

from __future__ import annotations

import functools
import socket
from concurrent.futures import ThreadPoolExecutor

from lab import docker, images, ssh
from lab.docker import LABEL
from lab.inventory import Host
from lab.network import DNS, NETWORK
from lab.shell import LabError, run, say, stage, wait_for, works

HOST_LABEL = f"{LABEL}.host"
VOLUMES = {"docker": "/var/lib/docker", "containerd": "/var/lib/containerd"}
PRIVILEGED = ("--privileged", "--cgroupns=private")
POWER = {"reboot": "restart", "kill": "kill", "start": "start", "freeze": "pause", "thaw": "unpause"}
# For engines that may not hand out CAP_SYS_RESOURCE, and so refuse --privileged.
CAPABLE = (
    *("--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--cgroupns=private"),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--device-cgroup-rule=a *:* rwm"),
)


def container(name: str) -> str:
    return f"landfall-lab-{name}"


def image(suite: str) -> images.Image:
    return next(one for one in images.catalogue() if one.name == "vps" and one.suite == suite)


def existing() -> dict[Host, str]:
    """Every host of the lab, whichever inventory it came from, by the labels of its container; with its state."""
    fields = (HOST_LABEL, f"{HOST_LABEL}.address", f"{HOST_LABEL}.suite")
    form = " ".join(f'{{{{.Label "{field}"}}}}' for field in fields) + " {{.State}}"
    lines = docker.docker("ps", "--all", "--filter", f"label={HOST_LABEL}", "--format", form).splitlines()
    rows = [line.split() for line in lines]
    return {Host(name, address, suite): state for name, address, suite, state in rows}


def ensure(hosts: list[Host]) -> None:
    """Start these hosts and wait until they answer; a running one is left alone."""
    present = existing()
    for host in hosts:
        clash = [one for one in present if one != host and (one.name == host.name or one.address == host.address)]
        for other in clash:
            say(f"host {other.name} ({other.address}) gives way to {host.name} ({host.address})")
            remove([other.name])
        if host in present and not _ours(host):
            say(f"host {host.name} was started from another checkout and has its key: recreating it")
            remove([host.name])
            del present[host]
    idle = [host for host in hosts if present.get(host) != "running"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda host: _start(host, present.get(host)), idle))
    for host in hosts:
        if host not in idle:
            # Perhaps only just: an engine that was started brings its containers back.
            wait_until_ready(host)
            say(f"host {host.name} runs already")


def _ours(host: Host) -> bool:
    """Whether the host lets this checkout's key in."""
    return ssh.public(ssh.KEY) in docker.docker("inspect", "--format", "{{json .Config.Env}}", container(host.name))


def _start(host: Host, state: str | None) -> None:
    with stage(f"starting host {host.name} ({host.suite}, {host.address})"):
        if state == "paused":
            docker.docker("unpause", container(host.name))
        elif state is not None and not works(["docker", "start", container(host.name)], timeout=60):
            say(f"host {host.name} cannot be started again: recreating it")
            remove([host.name])
            state = None
        if state is None:
            # A volume without its host is what an interrupted run left.
            remove([host.name])
            _create(host)
        wait_until_ready(host)


def _create(host: Host) -> None:
    mounts = []
    for short, path in VOLUMES.items():
        volume = f"{container(host.name)}-{short}"
        docker.docker("volume", "create", "--label", LABEL, "--label", f"{HOST_LABEL}={host.name}", volume)
        mounts += ["--volume", f"{volume}:{path}"]
    labels = {
        LABEL: "",
        HOST_LABEL: host.name,
        f"{HOST_LABEL}.address": host.address,
        f"{HOST_LABEL}.suite": host.suite,
    }
    docker.docker(
        *("run", "--detach", "--name", container(host.name), "--hostname", host.name, *_rights()),
        *(word for key, value in labels.items() for word in ("--label", f"{key}={value}")),
        *("--network", NETWORK, "--ip", host.address, "--dns", DNS),
        # /tmp is the host's own, in its container: nothing here writes to the controller's.
        *("--tmpfs", "/run:mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777", *mounts),  # noqa: S108 - see above
        *("--env", f"LAB_NAMESERVER={DNS}", "--env", f"LAB_AUTHORIZED_KEY={ssh.public(ssh.KEY)}"),
        # A reboot ends the container, and this starts it again.
        *("--restart", "unless-stopped", image(host.suite).tag),
    )


@functools.cache
def _rights() -> tuple[str, ...]:
    """The widest rights that the engine can give."""
    probe = ["docker", "run", "--rm", *PRIVILEGED, "--entrypoint", "true", image("trixie").tag]
    return PRIVILEGED if works(probe, timeout=60) else CAPABLE


def wait_until_ready(host: Host) -> None:
    """systemd has come up, with no failed unit, and sshd answers on the host's address."""
    name = container(host.name)
    state = ""

    def booted() -> bool:
        nonlocal state
        state = run(
            ["docker", "exec", name, "sh", "-c", "systemctl is-system-running --wait 2>/dev/null || :"], timeout=120
        ).strip()
        return state in ("running", "degraded", "maintenance")

    wait_for(f"host {host.name} booting", booted, seconds=90, cure=f"See `docker logs {name}`.")
    if state != "running":
        failed = docker.docker("exec", name, "systemctl", "list-units", "--failed", "--plain", "--no-legend")
        say(f"host {host.name} is {state}; failed units:\n{failed}")
    wait_for(f"sshd of host {host.name}", lambda: _greets(host.address), seconds=30)


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def remove(names: list[str]) -> None:
    """Remove hosts with all that they hold."""
    for name in names:
        if found := docker.listed("container", f"{HOST_LABEL}={name}"):
            docker.docker("rm", "--force", "--volumes", *found)
        if volumes := docker.listed("volume", f"{HOST_LABEL}={name}"):
            docker.docker("volume", "rm", *volumes)


def power(name: str, verb: str) -> None:
    """What happens to machines."""
    host = next((one for one in existing() if one.name == name), None)
    if host is None:
        raise LabError(f"There is no host {name} in the lab: `python -m lab up` starts those of the inventory.")
    with stage(f"{verb} {name}"):
        docker.docker(POWER[verb], container(name))
        if verb in ("reboot", "start", "thaw"):
            wait_until_ready(host)
