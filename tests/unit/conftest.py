# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container may leave in a folder that it can write to."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rendered import know_plugins

# Ansible's own way to find collections, before a test imports one of ours in another: else no template knows them.
know_plugins()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the host that no project may see."""
    path = tmp_path / "host" / "shadow"
    path.parent.mkdir()
    path.write_bytes(b"root:$y$not-for-visitors")
    path.chmod(0o600)
    return path


@pytest.fixture
def planted(tmp_path: Path, secret: Path) -> Path:
    """A folder with one honest file, and with everything that is not to be trusted."""
    folder = tmp_path / "planted"
    (folder / "css").mkdir(parents=True)
    (folder / "css" / "site.css").write_text("honest")
    (folder / "shadow").symlink_to(secret)
    (folder / "host").symlink_to(secret.parent)
    (folder / "css" / "up").symlink_to("../../host/shadow")
    (folder / "css" / "copy.css").symlink_to("site.css")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(folder)  # a socket's path may have 107 bytes
        listener.bind("socket")
        os.chdir(before)
    with suppress(PermissionError):  # as in a container, which makes none either
        os.mknod(folder / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    return folder


@pytest.fixture
def listed() -> Callable[[Path], list[str]]:
    """The names in a folder."""
    return lambda folder: sorted(path.name for path in folder.iterdir())


@pytest.fixture
def dig() -> Iterator[Callable[[Path, int], None]]:
    """Make folders in folders, further down than a path can say, and a file at the bottom."""
    dug = []

    def run(folder: Path, depth: int) -> None:
        dug.append(str(folder))
        top = os.open(folder, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d" * 100, dir_fd=top)
            inner = os.open("d" * 100, os.O_RDONLY, dir_fd=top)
            os.close(top)
            top = inner
        os.close(os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=top))
        os.close(top)

    yield run
    # pytest's own clean-up gives up half way down.
    subprocess.run(["rm", "-rf", *dug], check=True)
