# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide how the image of a project without a Dockerfile is built, from its files and the stack's variables.

Private to this collection.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._project import dependencies, node, python_version

try:
    import tomllib
except ImportError:  # Python 3.10 and older, which no supported host has
    tomllib = None  # type: ignore[assignment]  # of a module, not None

MANAGE = "manage.py"


@dataclass(frozen=True)
class Wanted:
    """What the variables say. What is empty is decided by the project's own files."""

    subdir: str = ""
    requirements_file: str = ""
    groups: Sequence[str] = ()
    python_image: str = ""
    manage_command: str = "python3 manage.py"
    web_command: str = ""
    drivers: Sequence[str] = ()  # of the database; the first is added where there is none


@dataclass(frozen=True)
class Addition:
    """A package that is installed where the image has `any_of` these not."""

    package: str
    any_of: Sequence[str]


@dataclass(frozen=True)
class Build:
    """What the Dockerfile says. Folders are relative to the build context, and empty for the context itself."""

    python_image: str
    workdir: str
    lock: str
    unlocked: list[str]
    install: dict[str, Any]
    additions: list[Addition]
    added: list[str]
    front_ends: list[node.FrontEnd] = field(default_factory=list)
    locales: list[str] = field(default_factory=list)


def plan(wanted: Wanted, paths: Collection[str], read: Callable[[str], str | None]) -> Build:
    """Return how to build the project with these files; `read` returns the text of one, or None.

    Raises ValueError, with the variable and the cure, where it cannot be built.
    """

    def toml(path: str) -> dict[str, Any]:
        try:
            return dict(tomllib.loads(read(path) or ""))
        except ValueError as error:
            raise ValueError(f"{path} is not valid TOML: {error}") from error

    workdir = working_directory(wanted.manage_command, wanted.subdir, paths)
    folders = list(dict.fromkeys([workdir, wanted.subdir, ""]))
    lock = dependencies.find(wanted.requirements_file, folders, paths, read)
    folder = posixpath.dirname(lock)
    has_own = posixpath.basename(lock) == "uv.lock" and workdir != folder
    member = workdir if has_own and posixpath.join(workdir, dependencies.PYPROJECT) in paths else ""
    found = dependencies.plan(lock, wanted.groups, paths, read, toml, member)
    demands = [
        one
        for place in dict.fromkeys([workdir, folder])
        for one in python_version.named(
            read, toml(_in(place, dependencies.PYPROJECT)), toml(_in(place, "Pipfile")), _in(place, "")
        )
    ]
    additions = _additions(wanted)
    return Build(
        python_image=python_version.image(wanted.python_image, demands),
        workdir=workdir,
        lock=lock,
        unlocked=found.unlocked,
        install={
            "folder": found.folder,
            "tools": found.tools,
            "copies": copies(found.files, found.folders),
            "commands": found.commands,
            "packages": ["git", "ca-certificates"] * found.from_git + ["openssh-client"] * found.by_ssh,
        },
        additions=additions,
        # What only gunicorn needs is not worth a word.
        added=[
            one.package
            for one in additions
            if one.package != "packaging" and not any(found.names(name) for name in one.any_of)
        ],
        front_ends=node.front_ends(paths, read),
        locales=untranslated(paths),
    )


def context(subdir: str, dockerfile: str, requirements_file: str, exists: Callable[[str], bool]) -> str:
    """Return the build context: `subdir`, or the nearest folder above it that has the Dockerfile or a lock file."""
    names = [name for name in (dockerfile, requirements_file) if name]
    names += dependencies.LOCKS if not requirements_file else ()
    folder = subdir
    while not any(exists(_in(folder, name)) for name in names):
        if not folder:
            return subdir
        folder = posixpath.dirname(folder)
    return folder


def working_directory(manage_command: str, subdir: str, paths: Collection[str]) -> str:
    """Return the folder in which the manage command finds its script; `subdir` where no script is found.

    Raises ValueError where several folders have one.
    """
    script = next((word for word in _words(manage_command) if posixpath.basename(word) == MANAGE), "")
    if script != MANAGE or _in(subdir, MANAGE) in paths:
        return subdir
    found = [
        posixpath.dirname(path) for path in paths if path.startswith(_in(subdir, "")) and path.endswith(f"/{MANAGE}")
    ]
    upper = min((path.count("/") for path in found), default=0)
    folders = sorted(path for path in found if path.count("/") == upper)
    if len(folders) > 1:
        raise ValueError(
            f"stack_project_subdir: these folders have a {MANAGE}: {', '.join(folders)}: set it to the project's own"
        )
    return folders[0] if folders else subdir


def untranslated(paths: Collection[str]) -> list[str]:
    """Return the folders of translations (`locale`, as a rule) with a .po file that has no .mo file."""
    texts = [path for path in paths if path.endswith(".po") and f"{path[:-3]}.mo" not in paths]
    # A file is at FOLDER/LANGUAGE/LC_MESSAGES/DOMAIN.po.
    folders = {"/".join(path.split("/")[:-3]) for path in texts if path.split("/")[-2:-1] == ["LC_MESSAGES"]}
    return sorted(folders - {""})


def copies(files: Sequence[str], folders: Sequence[str]) -> list[list[str]]:
    """Return the arguments of COPY that bring files and folders to the places that they have in the context."""
    beside: dict[str, list[str]] = {}
    for path in files:
        beside.setdefault(posixpath.dirname(path), []).append(path)
    return [[*paths, f"./{folder}/" if folder else "./"] for folder, paths in beside.items()] + [
        [path, "./" if path == "." else f"./{path}/"] for path in folders
    ]


def _additions(wanted: Wanted) -> list[Addition]:
    found = []
    if wanted.drivers:
        found.append(Addition(wanted.drivers[0], wanted.drivers))
    if "gunicorn" in wanted.web_command:
        found += [Addition("gunicorn", ("gunicorn",)), Addition("packaging", ("packaging",))]
    return found


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
