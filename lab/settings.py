"""What an inventory can only know once the lab runs: paths on this machine, and what can be reached from it."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

import yaml

from lab import docker, services, ssh
from lab.authority import CA_FILE
from lab.network import DOMAIN
from lab.shell import say

DOCKER_KEY = "https://download.docker.com/linux/debian/gpg"
DEPOT = f"http://depot.{DOMAIN}/docker"
HEADER = "# Written by `python -m lab up`. Changes are lost.\n---\n"


def write(inventory: Path) -> None:
    file = inventory / "group_vars" / "all" / "detected.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = HEADER + yaml.safe_dump(detected(), sort_keys=True, width=100)
    if not file.is_file() or file.read_text() != text:
        file.write_text(text)
        say(f"wrote {file}")


def detected() -> dict[str, Any]:
    found: dict[str, Any] = {
        "ansible_ssh_private_key_file": str(ssh.KEY),
        "ansible_ssh_common_args": ssh.options(),
        "letsencrypt_ca_bundle": str(CA_FILE),
    }
    if not _docker_repository_answers():
        say(f"Docker's own repository is out of reach: hosts use {DEPOT}")
        found["docker_repository_url"] = f"{DEPOT}/debian"
        found["docker_repository_key"] = f"{DEPOT}/gpg"
        found["docker_repository_key_checksum"] = _depot_checksum()
    return found


def _depot_checksum() -> str:
    """The sha256 of the depot's key; every depot has its own."""
    printed = docker.docker("exec", services.depot().container, "sha256sum", "/srv/www/docker/gpg")
    return printed.split()[0]


def _docker_repository_answers() -> bool:
    try:
        with urllib.request.urlopen(DOCKER_KEY, timeout=4) as answer:
            return b"BEGIN PGP PUBLIC KEY" in answer.read(200)
    except OSError:
        return False
