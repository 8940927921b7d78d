# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the files of a project. Nothing outside its folder is read, and nothing in it is executed.

Private to this collection.
"""

from __future__ import annotations

import ast
import os
import re
import stat
import warnings
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

# Not the project's own code.
SKIPPED = frozenset(
    {
        ".cache", ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv",
        "__pycache__", "bower_components", "node_modules", "site-packages", "venv",
    }
)  # fmt: skip
MAXIMUM_FILES = 20_000
MAXIMUM_BYTES = 8 << 20
# What is taken over from a project into YAML. Without braces, no value becomes a template that Ansible would evaluate.
_PLAIN = re.compile(r"[\w.:/@+~,=<>!*^ -]+")


@dataclass(frozen=True)
class Found:
    """A value, and where in the project it is, as file:line."""

    value: Any
    where: str


def found(value: str, where: str) -> Found | None:
    """Return what was found, or None for a text with characters that no such value needs."""
    return Found(value, where) if is_plain(value) and is_plain(where) else None


def is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text))


class Tree:
    """The files below `root`, named by their paths relative to it, those of upper folders first."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.complete = True
        self._modules: dict[str, ast.Module | None] = {}

    @cached_property
    def files(self) -> list[str]:
        listed: list[str] = []
        folders = deque([""])
        while folders:
            folder = folders.popleft()
            for name, is_folder in self._entries(folder):
                path = f"{folder}/{name}" if folder else name
                if is_folder and name not in SKIPPED and not self.has(f"{path}/pyvenv.cfg"):
                    folders.append(path)
                elif not is_folder and len(listed) < MAXIMUM_FILES:
                    listed.append(path)
                elif not is_folder:
                    self.complete = False
                    return listed
        return listed

    def _entries(self, folder: str) -> list[tuple[str, bool]]:
        try:
            with os.scandir(os.path.join(self.root, folder)) as entries:
                listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            return []
        return sorted((name, is_folder) for name, is_folder in listed if is_plain(name))

    def named(self, name: str) -> list[str]:
        return [path for path in self.files if PurePosixPath(path).name == name]

    def has(self, path: str) -> bool:
        """Whether there is such a regular file. A link counts if it leads to a file in the project."""
        return self._real(path) is not None

    def _real(self, path: str) -> str | None:
        real = os.path.realpath(os.path.join(self.root, path))
        try:
            is_file = stat.S_ISREG(os.stat(real).st_mode)
        except (OSError, ValueError):
            return None
        return real if is_file and real.startswith(self.root.rstrip("/") + "/") else None

    def content(self, path: str) -> bytes:
        """Return a file's content; nothing for one that cannot be read or is larger than MAXIMUM_BYTES."""
        real = self._real(path)
        try:
            if real is None or os.stat(real).st_size > MAXIMUM_BYTES:
                return b""
            with open(real, "rb") as stream:
                return stream.read()
        except OSError:
            return b""

    def text(self, path: str) -> str:
        """Return a file as text, whatever its encoding is."""
        content = self.content(path)
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16", "replace")
        return content.decode("utf-8-sig", "replace")

    def lines(self, path: str) -> list[tuple[int, str]]:
        return list(enumerate(self.text(path).splitlines(), 1))

    def module(self, path: str) -> ast.Module | None:
        """Return a Python file, parsed by its own encoding; None where it is missing or cannot be parsed."""
        if path not in self._modules:
            self._modules[path] = self._parsed(path) if self.has(path) else None
        return self._modules[path]

    def _parsed(self, path: str) -> ast.Module | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.content(path))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def beneath(folder: str, path: str) -> str:
    """Join two relative paths."""
    return f"{folder}/{path}" if folder else path


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def file_of_module(tree: Tree, folder: str, name: str) -> str:
    """Return the file of a dotted module name below `folder`, or nothing."""
    base = beneath(folder, name.replace(".", "/"))
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if tree.has(path)), "")


def module_of_file(folder: str, path: str) -> str:
    """Return the dotted name of a Python file as seen from `folder`."""
    inner = path[len(folder) + 1 :] if folder else path
    return inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
