# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read what the kernel and Docker tell about a host. Texts in, plain data out.

Private to this collection.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

_LISTEN = "0A"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def parse_os_release(text: str) -> dict[str, str]:
    """The keys of /etc/os-release that name the distribution."""
    values = {}
    for line in text.splitlines():
        key, found, value = line.strip().partition("=")
        if found and not key.startswith("#"):
            values[key] = " ".join(shlex.split(value))
    return {
        "id": values.get("ID", ""),
        "version": values.get("VERSION_ID", ""),
        "release": values.get("VERSION_CODENAME", ""),
        "name": values.get("PRETTY_NAME", values.get("ID", "")),
    }


def parse_compose_name(text: str) -> str:
    """The project's name in a compose.yaml of this collection, or nothing."""
    found = re.search(r"^name: *(\S+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def parse_server_names(text: str) -> list[str]:
    """The names that a server file of Nginx answers to."""
    lines = re.findall(r"^\s*server_name\s+([^;]+);", text, re.MULTILINE)
    return sorted({name for line in lines for name in line.split()} - {"_"})


def parse_listening(text: str) -> dict[int, list[str]]:
    """From /proc/net/tcp or tcp6: port to the inodes of the sockets that listen on it."""
    listening: dict[int, list[str]] = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            port = int(fields[1].rpartition(":")[2], 16)
            listening.setdefault(port, []).append(fields[9])
    return listening


def parse_locks(text: str, inode: int) -> int:
    """From /proc/locks: the process that holds a lock of the file with this inode; 0 for none."""
    for line in text.splitlines():
        fields = line.split()
        # A process that waits has an arrow after the number.
        if len(fields) > 5 and fields[1] != "->" and fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4])
    return 0


def parse_socket_link(target: str) -> str:
    """The inode in a link such as `socket:[4711]`, or nothing."""
    return target[len("socket:[") : -1] if target.startswith("socket:[") and target.endswith("]") else ""


def publisher(inspected: dict[str, Any]) -> dict[str, str]:
    """A container's name, Compose project and service, from `docker inspect`."""
    labels = inspected["Config"].get("Labels") or {}
    return {
        "container": inspected["Name"].lstrip("/"),
        "project": labels.get("com.docker.compose.project", ""),
        "service": labels.get("com.docker.compose.service", ""),
    }


def architecture(machine: str) -> str:
    """Docker's name for what uname calls the machine; an unknown one keeps its own."""
    return _ARCHITECTURES.get(machine, machine)


def owners(
    inodes: list[str], processes: dict[str, tuple[int, str]], containers: list[dict[str, str]]
) -> list[dict[str, object]]:
    """Who holds a port: the containers that publish it, or else the processes that listen."""
    if containers:
        # docker-proxy and dockerd listen on behalf of a container: the container is what can be stopped.
        return [dict(container) for container in containers]
    found = sorted({processes[inode] for inode in inodes if inode in processes})
    if found:
        return [{"pid": pid, "process": name} for pid, name in found]
    return [{"process": ""}] if inodes else []
