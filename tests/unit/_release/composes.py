# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of docker compose on the host in memory.

A compose.yaml here has the services, of which only db names its image, and the image of all others.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import yaml

from tests.unit._release.boxes import Box, RefusedError, made_of
from tests.unit._release.volumes import Volumes


def config_of(folder: Path) -> dict[str, Any]:
    """What the files in a folder say; nothing where there are none."""
    file = folder / "compose.yaml"
    if not file.exists():
        return {}
    config = yaml.load(file.read_text(), yaml.CSafeLoader)
    return {**config, "db": config["services"]["db"]["image"]}


class Composes(Volumes):
    """The stack's part of a World."""

    root: Path
    boxes: dict[str, Box]
    images: dict[str, dict[str, Any]]
    half_applied: list[str]
    database: dict[str, str]
    networks: set[str]
    addresses: int

    def compose(self, rest: list[str], files: Path) -> str:
        words = [word for word in rest[2:] if word not in ("--profile", "release", "--project-name", "shop")]
        config = config_of(files)
        verb = next(word for word in words if not word.startswith("--"))
        if verb == "config":
            if "--format" in words:
                return json.dumps(config)
            return "".join(f"{name}\n" for name in config["services"]) if "--services" in words else config["image"]
        after = words[words.index(verb) + 1 :]
        if "--dry-run" in words:
            return "".join(
                f" DRY-RUN MODE -  Container {box.name}  Recreate\n"
                for box in self.own()
                if box.service in after and box.made_of != made_of(box.service, config, files)
            )
        return getattr(self, f"compose_{verb}")(after, config, files)

    def own(self) -> list[Box]:
        return [box for box in self.boxes.values() if box.project == "shop" and not box.once]

    def compose_create(self, after: list[str], config: dict[str, Any], files: Path) -> str:
        self.networks |= {"shop_default", "shop_front"}
        self.make_volume()
        for service in [word for word in after if word in ("db", "redis")]:
            self._renew(service, config, files)
        for word in after:
            if word.startswith("--scale="):
                _, service, count = word.split("=")
                while sum(box.service == service for box in self.own()) < int(count):
                    self._create(service, config, files)
        return ""

    def _create(self, service: str, config: dict[str, Any], files: Path, *, once: bool = False) -> Box:
        taken = {box.name for box in self.boxes.values()}
        name = next(name for number in itertools.count(1) if (name := f"shop-{service}-{number}") not in taken)
        image = config["db"] if service in ("db", "redis") else config["image"]
        if service not in ("db", "redis") and image not in self.images:
            raise RefusedError(f"no such image: {image}")
        box = Box(name, "shop", service, image, made_of(service, config, files), once)
        self.addresses += 1
        box.address = f"10.0.0.{self.addresses}"
        box.networks = {"shop_front"}
        self.boxes[name] = box
        return box

    def compose_up(self, after: list[str], config: dict[str, Any], files: Path) -> str:
        self.networks |= {"shop_default"}
        for service in [word for word in after if not word.startswith("--") and not word.isdigit()]:
            self._renew(service, config, files)
            for box in [box for box in self.own() if box.service == service and not box.running]:
                if service == "db":
                    self.open_data(box.image)
                box.running = True
        return ""

    def _renew(self, service: str, config: dict[str, Any], files: Path) -> None:
        for box in [box for box in self.own() if box.service == service]:
            if box.made_of != made_of(service, config, files):
                del self.boxes[box.name]
        if not any(box.service == service for box in self.own()):
            self._create(service, config, files)

    def compose_down(self, _after: list[str], _config: dict[str, Any], _files: Path) -> str:
        for box in self.own():
            del self.boxes[box.name]
        self.networks.clear()
        return ""

    def compose_rm(self, after: list[str], _config: dict[str, Any], _files: Path) -> str:
        for box in [box for box in self.own() if box.service in after]:
            del self.boxes[box.name]
        return ""

    def compose_exec(self, after: list[str], _config: dict[str, Any], _files: Path) -> str:
        if not any(box.service == "db" and box.running for box in self.own()):
            raise RefusedError("service db is not running")
        if "load" in after:
            self.applied = json.loads(self.given)
        return json.dumps(self.applied) if "mysqldump" in after else ""

    def compose_run(self, after: list[str], config: dict[str, Any], files: Path) -> str:
        words = [word for word in after if not word.startswith("-")]
        service, command = words[0], words[1:]
        code = self.images[config["image"]]
        if "shell" in command:
            if "'check'" in command[-1] and code.get("unfit"):
                raise RefusedError("not fit\nlandfall-failed:check")
            if "'collectstatic'" in command[-1]:
                (self.root / "static" / config["image"].replace(":", "-") / "a.css").write_text(config["image"])
            pending = [name for name in code["knows"] if name not in self.applied]
            answer = {
                "server": self.server_id,
                **self.database,
                "migrations": [[*name.split("."), []] for name in code["knows"]],
                "applied": [name.split(".") for name in self.applied],
                "pending": [name.split(".") for name in pending],
                "changes": [one for one in code.get("changes", ()) if one["migration"] in pending],
            }
            return f"noise\nlandfall-database:{json.dumps(answer)}\n"
        if service == "image-static":
            if code.get("unreadable"):
                raise RefusedError("Permission denied: '/app/staticfiles/secret'")
            (self.root / "static" / config["image"].replace(":", "-") / "built.css").write_text("built")
            return ""
        if command:
            if command[0] in code.get("refuses", ()):
                raise RefusedError(f"{command[0]}: no such table")
            return f"{command[0]} of {service} ran\n"
        assert service == "migrate"
        self._migrate(code)
        return ""

    def _migrate(self, code: dict[str, Any]) -> None:
        for name in code["knows"]:
            if name not in self.applied:
                if code.get("breaks_at") == name:
                    self.half_applied.append(name)
                    raise RefusedError(f"cannot apply {name}")
                self.apply(name)
