"""Running the collection's playbooks, and asking the host what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import ssh
from lab.bench import measure
from lab.shell import run, say


@dataclass(frozen=True)
class Collection:
    """Its playbooks, on one host of an inventory; `connections` is a folder for Ansible's own."""

    figures: measure.Figures
    inventory: Path
    host: str
    connections: Path

    def play(
        self,
        what: str,
        who: str,
        playbook: str,
        variables: Mapping[str, object] | None = None,
        *,
        fails: bool = False,
    ) -> str:
        """Run and measure a playbook; return what it said."""
        env = {
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.connections),
            "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",
        }
        command = ["ansible-playbook", f"landfall.django.{playbook}", "-i", str(self.inventory), "--limit", self.host]
        if variables:
            command += ["--extra-vars", json.dumps(variables)]
        return self.figures.run(what, who, command, env, fails=fails)


def on(host: str, command: str) -> str:
    """What a command says on a host, as root."""
    return run(["ssh", "-F", ssh.CONFIG, host, f"sudo {command}"])


def last_release(host: str, stack: str) -> dict[str, Any]:
    """The newest record of a stack's ledger."""
    newest = max(map(int, on(host, f"ls /srv/{stack}/releases").split()))
    record: dict[str, Any] = json.loads(on(host, f"cat /srv/{stack}/releases/{newest}/record.json"))
    return record


def built_at(host: str, image: str) -> float:
    """When an image was there, by the clock that the lab's hosts share with this machine."""
    return measure.moment(on(host, f"docker image inspect --format '{{{{.Metadata.LastTagTime}}}}' {image}"))


def started_at(host: str) -> float:
    """When the newest container of a service web began."""
    only = "--filter event=start --filter label=com.docker.compose.service=web"
    said = on(host, f"docker events --since 5m --until 0s {only} --format '{{{{.TimeNano}}}}'")
    return int(said.split()[-1]) / 10**9


def memory(host: str) -> dict[str, float]:
    """MiB of each service."""
    units = {"B": 1 / 2**20, "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
    found: dict[str, float] = {}
    for line in on(host, "docker stats --no-stream --format '{{.Name}} {{.MemUsage}}'").splitlines():
        container, used = line.split()[:2]
        number = used.rstrip("KMGiB")
        service = container.split("-", 1)[1].rsplit("-", 1)[0]
        found[service] = found.get(service, 0.0) + float(number) * units[used.removeprefix(number)]
    say(f"memory of {len(found)} services of {host}")
    return found
