# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host as far as docker commands can tell: containers, images, a database and an Nginx, and each command on record.

Its commands come through the one function by which the collection runs docker. A fault can be set before or after any
command.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit._release.boxes import Box, RefusedError, labels
from tests.unit._release.composes import Composes


@dataclass
class Fault:
    """What goes wrong at the command with a number: `refused`, `slow`, `killed` (the play) or `cut` (the power)."""

    number: int
    kind: str
    after: bool


@dataclass
class World(Composes):
    root: Path
    front: Path
    boxes: dict[str, Box] = field(default_factory=dict)
    # Code by its image: the migrations that it knows, and whether it is healthy.
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    half_applied: list[str] = field(default_factory=list)
    database: dict[str, str] = field(default_factory=lambda: {"vendor": "mysql", "schema": "shop"})
    volumes: dict[str, dict[str, str]] = field(default_factory=dict)
    mishaps: list[str] = field(default_factory=list)
    pulled: set[str] = field(default_factory=set)  # images of servers
    given: str = ""
    loaded: dict[str, str] = field(default_factory=dict)
    generation: int = 1
    frozen: bool = False
    networks: set[str] = field(default_factory=set)
    addresses: int = 0
    commands: list[str] = field(default_factory=list)
    fault: Fault | None = None
    cut: Callable[[], None] = lambda: None
    # Further faults by the beginning of a command's words: these are refused, always.
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, service in (("nginx-edge-1", "edge"), ("nginx-nginx-1", "nginx")):
            self.boxes.setdefault(name, Box(name, "nginx", service, "nginx:1.30", "", running=True))

    # The way in

    def execute(self, command, given, timeout, merge) -> subprocess.CompletedProcess[str]:
        words, files = list(command), self.root
        self.given = given
        if words[0] == "unshare":
            files, words = Path(words[7]), words[9:]
        number = len(self.commands)
        said = " ".join(words[1:])
        self.commands.append(said)
        self._strike(number, said, after=False)
        if any(said.startswith(start) or start in said for start in self.refused):
            return subprocess.CompletedProcess(command, 1, f"refused: {said}", f"refused: {said}")
        try:
            out = self.docker(words[1:], files)
            code = 0
        except RefusedError as error:
            out, code = str(error), 1
        if self.fault and (self.fault.number, self.fault.after, self.fault.kind) == (number, True, "refused"):
            return subprocess.CompletedProcess(command, 1, "", "no answer")
        self._strike(number, said, after=True)
        return subprocess.CompletedProcess(command, code, out, out if code else "")

    def _strike(self, number: int, said: str, *, after: bool) -> None:
        fault = self.fault
        if not fault or (fault.number, fault.after) != (number, after):
            return
        if fault.kind == "slow":
            raise subprocess.TimeoutExpired(said, 1)
        if fault.kind == "killed":
            signal.raise_signal(signal.SIGTERM)
        if fault.kind == "cut":
            self.cut()
        if fault.kind == "refused":
            self.refused = (said,)

    # Docker

    def docker(self, words: list[str], files: Path) -> str:
        verb, rest = words[0], words[1:]
        if verb == "compose":
            return self.compose(rest, files)
        return getattr(self, f"do_{verb}")(rest)

    def do_ps(self, rest: list[str]) -> str:
        filters = dict(word.split("=", 1)[1].split("=") for word in rest if word.startswith("label="))
        found = [box for box in self.boxes.values() if all(labels(box).get(k) == v for k, v in filters.items())]
        if "--all" not in rest:
            found = [box for box in found if box.running]
        return "".join(f"{box.name}\n" for box in found)

    def do_container(self, rest: list[str]) -> str:
        if missing := [name for name in rest[1:] if name not in self.boxes]:
            raise RefusedError(f"No such container: {missing}")
        return json.dumps([self.inspected(self.boxes[name]) for name in rest[1:]])

    def inspected(self, box: Box) -> dict[str, Any]:
        networks = {name: {"IPAddress": box.address} for name in sorted(box.networks)}
        return {
            "Id": box.name,
            "Name": f"/{box.name}",
            "Image": f"id of {box.image}",
            "RestartCount": box.restarts,
            "State": {
                "Running": box.running,
                "Restarting": False,
                "ExitCode": box.code,
                "Pid": 0,
                "Status": "running" if box.running else "exited",
                **({"Health": {"Status": "healthy", "Log": []}} if box.running else {}),
            },
            "Config": {"Labels": labels(box), "Image": box.image, "User": ""},
            "Mounts": [],
            "NetworkSettings": {"Networks": networks},
        }

    def do_start(self, rest: list[str]) -> str:
        for name in rest:
            box = self._box(name)
            code = self.images.get(box.image, {})
            box.running = not code.get("exits")
            box.code = int(bool(code.get("exits")))
        return ""

    def do_stop(self, rest: list[str]) -> str:
        for name in rest:
            self._box(name).running = False
        return ""

    def do_restart(self, rest: list[str]) -> str:
        return self.do_stop(rest) + self.do_start(rest)

    def do_kill(self, rest: list[str]) -> str:
        box = self._box(rest[-1])
        if not box.running:
            raise RefusedError(f"{box.name} is not running")
        box.running = False
        return ""

    def do_rm(self, rest: list[str]) -> str:
        for name in rest[1:]:
            self._box(name)
            del self.boxes[name]
        return ""

    def do_wait(self, rest: list[str]) -> str:
        self._box(rest[0]).running = False
        return "0\n"

    def do_logs(self, rest: list[str]) -> str:
        return f"the log of {rest[-1]}\n"

    def _box(self, name: str) -> Box:
        if name not in self.boxes:
            raise RefusedError(f"No such container: {name}")
        return self.boxes[name]

    def do_image(self, rest: list[str]) -> str:
        if rest[0] == "ls":
            known = [*self.images, *self.pulled]
            return "".join(f"{name}\n" for name in known if "--quiet" not in rest or name == rest[-1])
        for name in rest[1:] if rest[0] == "rm" else ():
            if name not in self.images or any(box.image == name for box in self.boxes.values()):
                raise RefusedError(f"{name} is in use, or not there")
            del self.images[name]
        return ""

    def do_network(self, rest: list[str]) -> str:
        if rest[0] == "ls":
            return "".join(f"{name}\n" for name in sorted(self.networks))
        network, box = rest[-2], self._box(rest[-1])
        (box.networks.add if rest[0] == "connect" else box.networks.discard)(network)
        return ""

    # Nginx

    def do_top(self, _rest: list[str]) -> str:
        return f"PID COMMAND\n{self.generation} nginx: worker process\n"

    def do_exec(self, rest: list[str]) -> str:
        if not self._box(rest[0]).running:
            raise RefusedError(f"{rest[0]} is not running")
        if rest[1] == "curl":
            site = rest[-1].split("/")[2]
            if self.frozen:
                raise RefusedError("time-out")
            return self.loaded.get(site, "")
        if "reload" in rest and not self.frozen:
            self.reload()
        return ""

    def reload(self) -> None:
        """Load what the files say."""
        self.generation += 1
        self.loaded = {}
        for file in (self.front / "upstreams").glob("*.conf"):
            said = [line.split('"')[1] for line in file.read_text().splitlines() if "return 200" in line]
            if said:
                self.loaded[file.stem] = said[0]
