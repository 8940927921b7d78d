# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run restic, 0.14 (Debian 12) and later, against the repository of a stack.

Neither the repository nor a password is ever on a command line. Private to this collection.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import BackupError, Manifest
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import last_lines

TAG = "landfall"
CACHE = "/var/cache/landfall-restic"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Exit codes since 0.17; 0.14 has 1 for everything, and the same words.
_WRONG_PASSWORD, _LOCKED = 12, 11
_INCOMPLETE = 3  # a snapshot was made, but some files could not be read
_TIMEOUT = 24 * 3600.0
# In the pattern of a path.
_SPECIAL, _QUOTED = re.compile(r"[*?\[\]\\]"), r"\\\g<0>"


@dataclass(frozen=True)
class Snapshot:
    """One backup in a repository. Where something else made it, `stack`, `name`, `host` and `server` are empty.

    `server` is the id of the database server.
    """

    id: str
    time: str
    hostname: str
    stack: str = ""
    name: str = ""
    host: str = ""
    server: str = ""
    paths: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the backup on its host."""
        return Path(next(path for path in self.paths if path.endswith(f"/{self.name}")))

    @classmethod
    def of(cls, listed: Mapping[str, Any]) -> Snapshot:
        """Return a snapshot from an entry of `restic snapshots --json`."""
        tags = listed.get("tags") or []
        ours = dict(tag.split(":", 1) for tag in tags if ":" in tag) if TAG in tags else {}
        return cls(
            id=str(listed["id"]),
            time=str(listed["time"]),
            hostname=str(listed.get("hostname", "")),
            stack=ours.get("stack", ""),
            name=ours.get("backup", ""),
            host=ours.get("host", ""),
            server=ours.get("server", ""),
            paths=tuple(listed.get("paths", ())),
        )


class Repository:
    """A restic repository, by its URL. `secrets` is the folder with the files `password` and `environment.json`."""

    def __init__(self, url: str, secrets: Path, program: str = "restic"):
        self.url = url
        self.secrets = secrets
        self.program = program

    def prepare(self) -> bool:
        """Create the repository where it does not exist. Return whether it was created. Raises BackupError."""
        done = self._run("cat", "config")
        if done.returncode == 0:
            return False
        _refuse_password(done)
        # It refuses to replace a repository that exists: 0.14 cannot tell a missing one from one out of reach.
        made = self._run("init")
        if made.returncode:
            raise BackupError(f"backup_repository: {_said(made)}. Check the address, and backup_repository_environment")
        return True

    def unlock(self) -> None:
        """Remove locks of processes that were killed."""
        self._checked("unlock")

    def snapshots(self) -> list[Snapshot]:
        """Return what the repository lists, oldest first."""
        listed = json.loads(self._checked("snapshots", "--json").stdout or "[]")
        return sorted((Snapshot.of(one) for one in listed or []), key=lambda one: one.time)

    def backup(self, paths: Iterable[str | Path], made: Manifest, parent: str) -> None:
        """Store these files and folders as one snapshot. Raises BackupError where any could not be read.

        `parent` is the snapshot whose unchanged files are not read again. Whether it is there, the listing says.
        """
        words = (TAG, f"stack:{made.stack}", f"backup:{made.name}", f"host:{made.host}", f"server:{made.server}")
        tags = [f"--tag={word}" for word in words]
        since = f"--parent={parent}" if parent else "--force"
        done = self._run("backup", "--json", "--quiet", *tags, since, "--", *map(str, paths))
        if done.returncode not in (0, _INCOMPLETE):
            _fail(done)
        # A visitor may delete a file meanwhile.
        if unread := [path for path in _unread(done.stderr + done.stdout) if os.path.lexists(path)]:
            raise BackupError(f"restic could not read {', '.join(unread[:5])}: see whether the disk is damaged")

    def sizes(self, snapshot: str, folder: Path) -> dict[str, int]:
        """Return the size of each file below a folder of a snapshot, by its relative path."""
        output = self._checked("ls", "--json", "--recursive", snapshot, str(folder)).stdout
        nodes = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        return {
            os.path.relpath(node["path"], folder): int(node.get("size", 0))
            for node in nodes
            if node.get("type") == "file" and node["path"].startswith(f"{folder}/")
        }

    def restore(self, snapshot: str, target: Path, paths: Iterable[Path] = ()) -> None:
        """Restore a snapshot, or these files and folders of it, below the folder `target`."""
        words = [f"--include={_SPECIAL.sub(_QUOTED, str(path))}" for path in paths]
        self._checked("restore", snapshot, f"--target={target}", *words)

    def forget(self, snapshots: Sequence[str]) -> None:
        """Remove these snapshots; `prune` frees their space."""
        if snapshots:
            self._checked("forget", *snapshots)

    def prune(self) -> None:
        """Free the space of forgotten snapshots."""
        self._checked("prune")

    def check(self, part: int, parts: int) -> None:
        """Check the structure of the repository, and read one of `parts` parts of its data."""
        self._checked("check", f"--read-data-subset={part}/{parts}")

    def _checked(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = self._run(*words)
        if done.returncode:
            _fail(done)
        return done

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return run([self.program, *words], timeout=_TIMEOUT, environment=self._environment())
        except FileNotFoundError as error:
            raise BackupError("restic is missing on the host: run the playbook landfall.django.backup") from error
        except subprocess.TimeoutExpired as error:
            raise BackupError(f"restic {words[0]} took more than {_TIMEOUT / 3600:g} hours") from error

    def _environment(self) -> dict[str, str]:
        file = self.secrets / "environment.json"
        given = json.loads(file.read_text()) if file.exists() else {}
        return {
            "PATH": PATH,
            "HOME": "/root",  # of ssh, for SFTP
            "RESTIC_CACHE_DIR": CACHE,
            **{name: str(value) for name, value in given.items()},
            "RESTIC_REPOSITORY": self.url,
            "RESTIC_PASSWORD_FILE": str(self.secrets / "password"),
        }


def _unread(output: str) -> Iterator[str]:
    """Yield the paths of the errors in what `restic backup --json` says."""
    for line in output.splitlines():
        if line.startswith("{"):
            message = json.loads(line)
            if message.get("message_type") == "error":
                yield str(message.get("item", "a file"))


def _fail(done: subprocess.CompletedProcess[str]) -> None:
    _refuse_password(done)
    if done.returncode == _LOCKED or "repository is already locked" in done.stderr:
        raise BackupError(
            f"backup_repository is locked by another restic: {_said(done)}. If none runs anywhere, run restic unlock"
            " --remove-all"
        )
    raise BackupError(f"restic {done.args[1]} failed with code {done.returncode}: {_said(done)}")


def _refuse_password(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode == _WRONG_PASSWORD or "wrong password or no key found" in done.stderr:
        raise BackupError(
            "backup_password: the repository has another password. Set it to the one that you kept when the repository"
            " was created, or set backup_repository to an empty place"
        )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return last_lines(done.stderr or done.stdout, 5).replace("\n", "; ")
