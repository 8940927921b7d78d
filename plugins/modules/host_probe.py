#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Tell what a host is, what it has, and who holds its ports
version_added: 0.1.0
description:
  - Returns the distribution, the architecture and the memory of a host, and of the packages, units, programs, accounts,
    paths and TCP ports that are asked for, how they are. It needs no gathered facts.
  - One call answers what P(ansible.builtin.setup#module), P(ansible.builtin.package_facts#module),
    P(ansible.builtin.service_facts#module) and P(ansible.builtin.getent#module) would answer in several.
  - A port that a container publishes is reported with that container's name and its Compose project and service,
    also where no process of the host is seen to listen.
author: landfall.django contributors (@landfall)
options:
  ports:
    description: The TCP ports whose holders are wanted.
    type: list
    elements: int
    default: []
  paths:
    description: The paths whose free space is wanted. Of one that does not exist, the nearest existing parent is taken.
    type: list
    elements: path
    default: []
  packages:
    description: Debian packages to look for.
    type: list
    elements: str
    default: []
  units:
    description: Units of systemd to look for.
    type: list
    elements: str
    default: []
  engine:
    description: Whether to ask the Docker Engine for its version.
    type: bool
    default: false
  programs:
    description: Programs to look for.
    type: list
    elements: str
    default: []
  files:
    description: Files to look for. A name may have the wildcards of a shell.
    type: list
    elements: str
    default: []
  accounts:
    description: Users and groups to look for, by name or number.
    type: list
    elements: str
    default: []
  stack_root:
    description: Folder of a stack, to see whose it is already.
    type: str
    default: ""
  front_root:
    description: Folder of the host's Nginx, to see which sites it serves already.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It never changes anything.
  platform:
    support: full
    platforms: linux
    description: It reads C(/proc).
notes:
  - Without root's rights the processes of other users stay unnamed.
"""

EXAMPLES = r"""
- name: See who holds the web's ports
  landfall.django.host_probe:
    ports: [80, 443]
    paths: [/srv/shop, /var/lib/docker]
  become: true
  register: host
"""

RETURN = r"""
distribution:
  description: C(id), C(version), C(release) (the code name) and C(name) from C(/etc/os-release).
  returned: success
  type: dict
  sample: {"id": "debian", "version": "13", "release": "trixie", "name": "Debian GNU/Linux 13 (trixie)"}
packages:
  description: Those of O(packages) that are installed.
  returned: success
  type: list
  elements: str
  sample: [certbot, openssl]
units:
  description: For each of O(units) whether it is C(enabled) and C(active), in systemd's words.
  returned: success
  type: dict
  sample: {"docker.service": {"enabled": "enabled", "active": "active"}}
engine:
  description: The Docker Engine's version; empty where it does not answer or was not asked for.
  returned: success
  type: str
  sample: 29.0.0
accounts:
  description: For each of O(accounts) the user of this name or number, and the group. Null where there is none.
  returned: success
  type: list
  elements: dict
  sample: [{"account": "10004", "user": {"name": "ann", "id": 10004, "gid": 100}, "group": null}]
architecture:
  description: The machine's architecture in Docker's words.
  returned: success
  type: str
  sample: amd64
memory_mib:
  description: The memory in MiB.
  returned: success
  type: int
  sample: 1967
paths:
  description: For each path the nearest existing one, the number of its file system and the MiB free there.
  returned: success
  type: list
  elements: dict
  sample: [{"path": "/srv/shop", "existing": "/srv", "device": 65024, "free_mib": 20480}]
files:
  description: The SHA-256 of each file that O(files) finds, if it belongs to root and has the mode 0644.
  returned: success
  type: dict
  sample: {"/etc/apt/keyrings/docker-4a7c1b0e.asc": "1500c1f56fa9e26b9b8f42452a553675796ade0807cdce11975eb98170b3a570"}
programs:
  description: Whether there is each of O(programs).
  returned: success
  type: dict
  sample: {"rsync": true}
stack:
  description: The name of the stack whose files are in O(stack_root), empty where there are none.
  returned: success
  type: str
  sample: shop
stack_files:
  description: The names in O(stack_root).
  returned: success
  type: list
  elements: str
  sample: [compose.yaml, releases, source]
sites:
  description: The host names that the Nginx in O(front_root) serves, by site.
  returned: success
  type: dict
  sample: {"shop": ["shop.example.com"]}
ports:
  description:
    - For each port its holders, an empty list where it is free.
    - A holder has C(container), C(project) and C(service), or C(process) and C(pid). An empty C(process) is one that
      could not be seen.
  returned: success
  type: list
  elements: dict
  sample: [{"port": 80, "holders": [{"process": "apache2", "pid": 731}]}, {"port": 443, "holders": []}]
"""

import contextlib
import glob
import grp
import hashlib
import os
import platform
import pwd
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, containers, docker
from ansible_collections.landfall.django.plugins.module_utils._preflight import probe, system


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


def holders(ports: list[int]) -> list[dict[str, object]]:
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


def checksums(patterns: list[str]) -> dict[str, str]:
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


def engine() -> str:
    """The Docker Engine's version; empty where none answers."""
    try:
        return docker("version", "--format", "{{.Server.Version}}").strip()
    except DockerError:
        return ""


def memory_mib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def names_in(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if folder and os.path.isdir(folder) else []


def sites(front_root: str) -> dict[str, list[str]]:
    files = Path(front_root, "conf.d").glob("*.conf") if front_root else ()
    return {file.stem: probe.parse_server_names(read(str(file))) for file in files}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "int", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "engine": {"type": "bool", "default": False},
            "programs": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "str", "default": []},
            "accounts": {"type": "list", "elements": "str", "default": []},
            "stack_root": {"type": "str", "default": ""},
            "front_root": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    # The engine is asked while the rest is read.
    with ThreadPoolExecutor(1) as thread:
        version = thread.submit(engine) if module.params["engine"] else None
        found = {
            "accounts": [account(given) for given in module.params["accounts"]],
            "files": checksums(module.params["files"]),
            "distribution": probe.parse_os_release(read("/etc/os-release")),
            "architecture": probe.architecture(platform.machine()),
            "memory_mib": memory_mib(),
            "paths": [free_space(path) for path in module.params["paths"]],
            "packages": system.packages(module.params["packages"]),
            "units": system.units(module.params["units"]),
            "programs": {name: bool(module.get_bin_path(name)) for name in module.params["programs"]},
            "ports": holders(module.params["ports"]),
            "stack": probe.parse_compose_name(read(f"{module.params['stack_root']}/compose.yaml")),
            "stack_files": names_in(module.params["stack_root"]),
            "sites": sites(module.params["front_root"]),
        }
    module.exit_json(changed=False, engine=version.result() if version else "", **found)


if __name__ == "__main__":
    main()
