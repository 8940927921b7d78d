"""The keys of the lab's ssh connections, and the files that make them strict."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import docker
from lab.inventory import Host
from lab.network import DEPOT, DOMAIN
from lab.shell import CACHE, LabError, run

FOLDER = CACHE / "ssh"
KEY = FOLDER / "id_ed25519"
DEPLOY_KEY = FOLDER / "deploy_ed25519"
KNOWN_HOSTS = FOLDER / "known_hosts"
CONFIG = FOLDER / "config"
USER = "ops"


def ensure_keys() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o700)
    for key, comment in ((KEY, "landfall lab"), (DEPLOY_KEY, "landfall lab deploy key")):
        if not key.is_file():
            words: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", key]
            run(words, cure="Install openssh-client.")


def public(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text().strip()


def options() -> str:
    """What a connection to a host of the lab needs; no connection outlives a host that is replaced."""
    return f"-o UserKnownHostsFile={KNOWN_HOSTS} -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null"


def write(containers: dict[Host, str], depot: str | None) -> None:
    """Write known_hosts from the containers themselves, and a client configuration (`ssh -F`)."""
    names = {f"{host.address},{host.name},{host.name}.test": one for host, one in sorted(containers.items())}
    if depot:
        names[f"depot.{DOMAIN},{DEPOT}"] = depot
    earlier = dict(line.split(" ", 1) for line in KNOWN_HOSTS.read_text().splitlines()) if KNOWN_HOSTS.is_file() else {}
    # A host that somebody else is rebooting right now cannot be asked, and has the key that it had.
    known = {name: _host_key(container) or earlier.get(name) for name, container in names.items()}
    KNOWN_HOSTS.write_text("".join(f"{name} {key}\n" for name, key in known.items() if key))
    CONFIG.write_text("\n".join(_stanzas(containers)))


def _host_key(container: str) -> str | None:
    try:
        key = docker.docker("exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    except LabError:
        return None
    return " ".join(key.split()[:2])


def _stanzas(hosts: Iterable[Host]) -> Iterable[str]:
    for host in sorted(hosts):
        yield f"Host {host.name} {host.name}.test {host.address}\n    HostName {host.address}\n    User {USER}\n"
    yield (
        f"Host *\n    IdentityFile {KEY}\n    IdentitiesOnly yes\n    UserKnownHostsFile {KNOWN_HOSTS}\n"
        "    GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n"
    )
