# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the file that lists a project's dependencies, and how a build installs them.

Private to this collection.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from ansible_collections.landfall.django.plugins.module_utils._project import requirements

Read = Callable[[str], Union[str, None]]
Toml = Callable[[str], dict[str, Any]]

# The order says which one counts where a folder has several.
LOCKS = (
    *("uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"),
    *("requirements.txt", "requirements/production.txt", "requirements/prod.txt"),
)
PYPROJECT = "pyproject.toml"
# Groups and extras that are installed unless others are named.
DEPLOYED = ("production", "prod", "deploy", "deployment")
_CANDIDATE = re.compile(r"(?:requirements|reqs)[\w.-]*(?:/[\w.-]+)?\.txt")
_UV = "/opt/tools/bin/uv"
_INSTALL = f"{_UV} pip install --compile-bytecode --no-editable"
_EXPORTERS = {"poetry.lock": ("poetry",), "Pipfile.lock": ("pipenv",)}
# What is read together with a lock file.
_BESIDE = {"uv.lock": PYPROJECT, "poetry.lock": PYPROJECT, "Pipfile.lock": "Pipfile"}
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")
_OF_PIPFILE = {"source", "packages", "dev-packages", "requires", "scripts", "pipenv"}
_EXPORTED = "/locked/requirements.txt"
# Packages of a lock file or a requirements file that come from git, and those that are fetched by ssh.
_GIT = re.compile(r'git\+|\bgit = "|"git": "|type = "git"')
_SSH = re.compile(r"\bssh://|\bgit@")
# Packages of a lock file that are in the project itself: uv's, Poetry's, Pipenv's.
_LOCAL = re.compile(
    r'source = \{ (?P<uv>editable|directory|path|virtual) = "(?P<a>[^"]+)"'
    r'|type = "(?:directory|file)"\nurl = "(?P<b>[^"]+)"|"path": "(?P<c>[^"]+)"'
)


@dataclass(frozen=True)
class Dependencies:
    """How the dependencies are installed: `commands` run in `folder` with the tools of `tools`.

    `files` and `folders` must be there before. Paths are relative to the build context; `text` is what lists them.
    """

    lock: str
    folder: str
    commands: list[str]
    files: list[str]
    text: str
    tools: list[str] = field(default_factory=lambda: ["uv"])
    folders: list[str] = field(default_factory=list)
    unlocked: list[str] = field(default_factory=list)

    @property
    def from_git(self) -> bool:
        return bool(_GIT.search(self.text))

    @property
    def by_ssh(self) -> bool:
        return bool(_SSH.search(self.text))

    def names(self, package: str) -> bool:
        """Return whether the lock file names a package."""
        spelled = re.escape(package).replace(r"\-", "[-_.]")
        return bool(re.search(rf"(?<![\w.-]){spelled}(?![\w.-])", self.text, re.IGNORECASE))


def find(given: str, folders: Sequence[str], paths: Collection[str], read: Read) -> str:
    """Return the path of the file that lists the dependencies: in the first of the folders that has one.

    Raises ValueError where there is none, or where several are possible.
    """
    if given:
        found = [path for folder in folders if (path := _join(folder, given)) in paths]
        if found:
            return found[0]
        raise ValueError(f"stack_requirements_file: the project has no file {given}: correct the path")
    for folder in folders:
        for name in LOCKS:
            if _join(folder, name) in paths:
                return _join(folder, name)
    other = [path for folder in folders for path in sorted(paths) if _is_candidate(path, folder)]
    if len(set(other)) == 1:
        return other[0]
    if other:
        raise ValueError(
            f"stack_requirements_file: the project has {', '.join(dict.fromkeys(other))}: set it to the one for"
            " production"
        )
    for folder in folders:
        if re.search(r"^dependencies\s*=", read(_join(folder, PYPROJECT)) or "", re.MULTILINE):
            return _join(folder, PYPROJECT)
    raise ValueError(
        f"stack_dockerfile, stack_requirements_file: the project has no Dockerfile, nor any of {', '.join(LOCKS)} that"
        " one could be generated from: add one of them, or name the file by its path"
    )


def plan(
    lock: str, groups: Sequence[str], paths: Collection[str], read: Read, toml: Toml, member: str = ""
) -> Dependencies:
    """Return how to install what `lock` lists, with these groups and extras (by default those of a deployment).

    `toml` returns the content of a file, empty where it does not exist. `member` is the folder of the project where it
    is a member of the workspace of a uv.lock. Raises ValueError for a group that does not exist, and for a folder
    outside the build context.
    """
    name = posixpath.basename(lock)
    if name in _BESIDE:
        return _of_lock(lock, groups, paths, read, toml, member)
    if name == PYPROJECT or _PYLOCK.fullmatch(name):
        return _of_toml(lock, groups, read, toml)
    if groups:
        raise ValueError(f"stack_dependency_groups: {lock} has no groups: set stack_requirements_file instead")
    return _of_requirements(lock, paths, read)


def _of_lock(
    lock: str, groups: Sequence[str], paths: Collection[str], read: Read, toml: Toml, member: str
) -> Dependencies:
    folder, name = posixpath.split(lock)
    text = read(lock) or ""
    settings = toml(_join(member or folder, _BESIDE[name]))
    local, members = [], []
    for found in _LOCAL.finditer(text):
        path = _inside(lock, folder, found["a"] or found["b"] or found["c"])
        # A project of uv is not installed itself, but uv asks each member for its name.
        if found["uv"] == "virtual" or (found["uv"] and path in (member, _join(folder, "."))):
            members.append(_join(path, PYPROJECT))
        else:
            local.append(path)
    # A commit or a folder has no hash. Of all other packages the hashes count in any case.
    hashed = "" if local or _GIT.search(text) else " --require-hashes"
    return Dependencies(
        lock,
        folder,
        commands=[
            _export(name, _chosen(groups, settings, name), settings if member else {}),
            f"{_INSTALL}{_indexes(settings)}{hashed} --requirement {_EXPORTED}",
        ],
        files=_unique([lock, _join(folder, _BESIDE[name]), *(path for path in members + local if path in paths)]),
        text=text,
        tools=["uv", *_EXPORTERS.get(name, ())],
        folders=_unique(path for path in local if path not in paths),
    )


def _of_toml(lock: str, groups: Sequence[str], read: Read, toml: Toml) -> Dependencies:
    folder, name = posixpath.split(lock)
    is_lock = name != PYPROJECT
    # A lock file has what it was made with; more is installed only if it is named.
    chosen = _chosen(groups, toml(_join(folder, PYPROJECT)), name) if groups or not is_lock else {}
    # Without a lock file, uv wants to know whose group it is.
    options = [f" --group {shlex.quote(one if is_lock else f'{PYPROJECT}:{one}')}" for one in chosen.get("groups", [])]
    options += [f" --extra {shlex.quote(one)}" for one in chosen.get("extras", [])]
    return Dependencies(
        lock,
        folder,
        commands=[f"{_INSTALL}{''.join(options)} --requirement {shlex.quote(name)}"],
        files=[lock],
        text=read(lock) or "",
        unlocked=[] if is_lock else ["dependencies ="],
    )


def _of_requirements(lock: str, paths: Collection[str], read: Read) -> Dependencies:
    # A path in such a file is seen from where pip runs, which is not the folder requirements/.
    folder = re.sub(r"(^|/)requirements$", "", posixpath.dirname(lock))
    found = requirements.closure(lock, read)
    unlocked = requirements.unlocked_in(found)
    local = [_inside(lock, folder, path) for text in found.values() for path in requirements.local_paths(text)]
    hashed = "" if unlocked else " --require-hashes"
    return Dependencies(
        lock,
        folder,
        commands=[f"{_INSTALL}{hashed} --requirement {shlex.quote(posixpath.relpath(lock, folder or '.'))}"],
        files=_unique([*found, *(path for path in local if path in paths)]),
        text="\n".join(found.values()),
        folders=_unique(path for path in local if path not in paths),
        unlocked=unlocked,
    )


def _export(name: str, chosen: Mapping[str, Sequence[str]], member: Mapping[str, Any]) -> str:
    """Return the command that writes a lock file as requirements."""
    groups, extras = chosen["groups"], chosen["extras"]
    if name == "Pipfile.lock":
        categories = f" --categories {shlex.quote(','.join(['packages', *groups]))}" if groups else ""
        return f"/opt/tools/bin/pipenv requirements --hash{categories} >{_EXPORTED}"
    if name == "poetry.lock":
        words = ["--only", ",".join(["main", *groups]), *(word for one in extras for word in ("--extras", one))]
        return f"/opt/tools/bin/poetry export --with-credentials {shlex.join(words)} --output {_EXPORTED}"
    words = [word for one in groups for word in ("--group", one)]
    words += [word for one in extras for word in ("--extra", one)]
    words += ["--package", member["project"]["name"]] if "project" in member else []
    given = f" {shlex.join(words)}" if words else ""
    return f"{_UV} export --quiet --frozen --no-dev --no-emit-project --no-editable{given} --output-file {_EXPORTED}"


def _chosen(groups: Sequence[str], settings: Mapping[str, Any], lock: str) -> dict[str, list[str]]:
    """Return the wanted ones among the groups and the extras of a pyproject.toml or a Pipfile."""
    poetry = settings.get("tool", {}).get("poetry", {})
    known = {
        "groups": [*settings.get("dependency-groups", {}), *poetry.get("group", {})],
        "extras": [*settings.get("project", {}).get("optional-dependencies", {}), *poetry.get("extras", {})],
    }
    if lock == "Pipfile.lock":
        known = {"groups": sorted(settings.keys() - _OF_PIPFILE), "extras": []}
    every = {name for names in known.values() for name in names}
    unknown = [name for name in groups if name not in every]
    if unknown:
        others = f"has {', '.join(sorted(every))}" if every else "has none"
        raise ValueError(f"stack_dependency_groups: there is no group or extra {unknown[0]}: the project {others}")
    return {kind: [name for name in groups or DEPLOYED if name in names] for kind, names in known.items()}


def _indexes(settings: Mapping[str, Any]) -> str:
    """Return the options for indexes that uv asks only for the packages that name them. The hashes decide."""
    named = settings.get("tool", {}).get("uv", {}).get("index", [])
    explicit = [
        f"{one.get('name', '')}={one['url']}".lstrip("=") for one in named if one.get("explicit") and "url" in one
    ]
    return "".join(f" --index {shlex.quote(one)}" for one in explicit) + (
        " --index-strategy unsafe-best-match" if named else ""
    )


def _inside(lock: str, folder: str, path: str) -> str:
    found = _join(folder, path)
    if found.startswith(".."):
        raise ValueError(f"stack_project_subdir: {lock} needs {found}: set it to a folder that contains both")
    return found


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def _is_candidate(path: str, folder: str) -> bool:
    inside = path[len(folder) + 1 :] if folder and path.startswith(f"{folder}/") else "" if folder else path
    return bool(_CANDIDATE.fullmatch(inside))


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))
