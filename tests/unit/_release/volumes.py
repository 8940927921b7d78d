# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes of the host in memory, with the files of a MySQL server in folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.unit._release.boxes import RefusedError

NAME = "shop_db-data"


class Volumes:
    """The volumes' part of a World. The database has the migrations that were applied to it, and nothing else."""

    root: Path
    volumes: dict[str, dict[str, str]]
    # Each server that got files which it cannot use.
    mishaps: list[str]
    pulled: set[str]
    given: str

    def data(self, name: str = NAME) -> Path:
        return self.root.parent / "volumes" / name / "_data"

    def make_volume(self, name: str = NAME, **labels: str) -> None:
        if name not in self.volumes:
            self.volumes[name] = {"com.docker.compose.project": "shop", **labels}
            self.data(name).mkdir(parents=True, exist_ok=True)

    def version(self, name: str = NAME) -> str:
        """The version of the data; empty where there is none."""
        file = self.data(name) / "mysql_upgrade_history"
        return json.loads(file.read_text())["upgrade_history"][-1]["version"] if file.exists() else ""

    def open_data(self, image: str) -> None:
        """Start a server: with an empty folder it makes its files."""
        version = image.split(":")[1]
        if not self.version():
            history = {"upgrade_history": [{"version": f"{version}.4"}]}
            (self.data() / "mysql_upgrade_history").write_text(json.dumps(history))
            (self.data() / "server").write_text(f"server {len(self.volumes)} of {version}")
        elif self.version().split(".")[:2] != version.split(".")[:2]:
            self.mishaps.append(f"{image} got data of {self.version()}")
            raise RefusedError("unhealthy")

    @property
    def server_id(self) -> str:
        file = self.data() / "server"
        return file.read_text() if file.exists() else ""

    @property
    def applied(self) -> list[str]:
        file = self.data() / "applied"
        return json.loads(file.read_text()) if file.exists() else []

    @applied.setter
    def applied(self, names: list[str]) -> None:
        self.data().mkdir(parents=True, exist_ok=True)
        (self.data() / "applied").write_text(json.dumps(names))

    def apply(self, name: str) -> None:
        self.applied = [*self.applied, name]

    def do_volume(self, rest: list[str]) -> str:
        verb, name = rest[0], rest[-1]
        if verb == "ls":
            filters = [word.partition("=")[2] for word in rest if word.startswith("label=")]
            wanted = [name.split("=") if "=" in name else [name, ""] for name in filters]
            return "".join(
                f"{name}\n"
                for name, labels in self.volumes.items()
                if all(key in labels and (not value or labels[key] == value) for key, value in wanted)
            )
        if verb == "create":
            self.make_volume(name, **dict(word.split("=") for word in rest if "=" in word))
            return name
        if name not in self.volumes:
            raise RefusedError(f"no such volume: {name}")
        if verb == "rm":
            del self.volumes[name]
            shutil.rmtree(self.data(name).parent)
            return name
        return json.dumps([{"Driver": "local", "Options": None, "Mountpoint": str(self.data(name))}])

    def do_run(self, rest: list[str]) -> str:
        assert "--rm" in rest
        assert "--network=none" in rest
        self.pulled.add(rest[-2])
        return f"mysqld  Ver {rest[-2].split(':')[1]}.4 for Linux\n"
