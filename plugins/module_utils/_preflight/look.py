# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at this host: what it is, what it has, and who holds its ports. Nothing is changed.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import glob
import grp
import hashlib
import os
import platform
import pwd
import shutil
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, containers, docker
from ansible_collections.landfall.django.plugins.module_utils._preflight import ipv6, probe, system
from ansible_collections.landfall.django.plugins.module_utils._sizes import host

# apt and dpkg hold one of them while they work.
_APT_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")
# Of a user who is not root, too, whose own has no folders of the system.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def look(
    *,
    ports: Sequence[int] = (),
    paths: Sequence[str] = (),
    packages: Sequence[str] = (),
    units: Sequence[str] = (),
    engine: bool = False,
    programs: Sequence[str] = (),
    files: Sequence[str] = (),
    accounts: Sequence[str] = (),
    stack_root: str = "",
    front_root: str = "",
    calendars: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the module host_probe returns for these options."""
    compose = read(f"{stack_root}/compose.yaml")
    # The engine is asked while the rest is read.
    with ThreadPoolExecutor(1) as thread:
        version = thread.submit(engine_version) if engine else None
        found = {
            "accounts": [account(given) for given in accounts],
            "files": checksums(files),
            "distribution": probe.parse_os_release(read("/etc/os-release")),
            "architecture": probe.architecture(platform.machine()),
            "memory_mib": host.memory_mib(),
            "sized_for": host.look(stack_root, compose),
            "apt_holder": apt_holder(),
            "paths": [free_space(path) for path in paths],
            "packages": system.packages(packages),
            "units": system.units(units),
            "programs": {name: shutil.which(name, path=_PATH) is not None for name in programs},
            "ports": holders(ports),
            "stack": probe.parse_compose_name(compose),
            "stack_files": names_in(stack_root),
            "sites": sites(front_root),
            "calendars": {given: system.calendar_problem(given) for given in calendars},
        }
        answer = version.result() if version else ""
    return {"changed": False, "engine": answer, "ipv6": has_ipv6(answer), **found}


def read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def sockets_of(pid: int) -> set[str]:
    inodes = set()
    # What is gone in the meantime, or not ours to see, is passed over.
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(probe.parse_socket_link(str(entry.readlink())))
    return inodes - {""}


def processes_by_socket() -> dict[str, tuple[int, str]]:
    """Socket inode to the lowest pid that has it open (the parent, where workers share it) and that one's name."""
    found: dict[str, tuple[int, str]] = {}
    for pid in sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        inodes = sockets_of(pid) - found.keys()
        if inodes:
            name = read(f"/proc/{pid}/comm").strip()
            found.update((inode, (pid, name)) for inode in inodes)
    return found


def containers_on(port: int) -> list[dict[str, str]]:
    try:
        return [probe.publisher(found) for found in containers([f"publish={port}", "status=running"])]
    except DockerError:  # not installed or not running: then no container holds anything
        return []


def holders(ports: Sequence[int]) -> list[dict[str, object]]:
    inodes: dict[int, list[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for port, found in probe.parse_listening(read(table)).items():
            inodes.setdefault(port, []).extend(found)
    with ThreadPoolExecutor() as threads:
        publishers = threads.map(containers_on, ports)
        processes = processes_by_socket() if any(port in inodes for port in ports) else {}
    return [
        {"port": port, "holders": probe.owners(inodes.get(port, []), processes, published)}
        for port, published in zip(ports, publishers)
    ]


def free_space(path: str) -> dict[str, object]:
    existing = Path("/") / path
    while not existing.exists():
        existing = existing.parent
    space = os.statvfs(existing)
    return {
        "path": path,
        "existing": str(existing),
        "device": existing.stat().st_dev,
        "free_mib": space.f_bavail * space.f_frsize // 2**20,
    }


def checksums(patterns: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each file that belongs to root and that everybody may read and only root may write."""
    found = {}
    for path in (path for pattern in patterns for path in glob.glob(pattern)):
        with contextlib.suppress(OSError):
            state = os.lstat(path)
            if stat.S_ISREG(state.st_mode) and stat.S_IMODE(state.st_mode) == 0o644 and state.st_uid == 0:
                found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found


def account(given: str) -> dict[str, object]:
    """The user and the group that have a name or a number."""
    user = group = None
    with contextlib.suppress(KeyError):
        found = pwd.getpwuid(int(given)) if given.isdigit() else pwd.getpwnam(given)
        user = {"name": found.pw_name, "id": found.pw_uid, "gid": found.pw_gid}
    with contextlib.suppress(KeyError):
        its = grp.getgrgid(int(given)) if given.isdigit() else grp.getgrnam(given)
        group = {"name": its.gr_name, "id": its.gr_gid}
    return {"account": given, "user": user, "group": group}


def engine_version() -> str:
    """The Docker Engine's version; empty where none answers."""
    try:
        return docker("version", "--format", "{{.Server.Version}}").strip()
    except DockerError:
        return ""


def has_ipv6(engine: str) -> bool:
    """Whether the front's network can have IPv6 with an engine of this version."""
    settings = Path("/proc/sys/net/ipv6/conf")
    routes = read("/proc/net/ipv6_route")
    accept_ra = {name: read(str(settings / name / "accept_ra")) for name in ipv6.advertised(routes)}
    disabled = read(str(settings / "default/disable_ipv6"))
    return ipv6.is_possible(disabled, read("/etc/docker/daemon.json"), engine, routes, accept_ra)


def apt_holder() -> str:
    """The name of the process that keeps others from using apt; empty for none."""
    locks = read("/proc/locks")
    for path in _APT_LOCKS:
        with contextlib.suppress(OSError):
            pid = probe.parse_locks(locks, os.stat(path).st_ino)
            if pid:
                return read(f"/proc/{pid}/comm").strip() or str(pid)
    return ""


def names_in(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if folder and os.path.isdir(folder) else []


def sites(front_root: str) -> dict[str, list[str]]:
    files = Path(front_root, "conf.d").glob("*.conf") if front_root else ()
    return {file.stem: probe.parse_server_names(read(str(file))) for file in files}
