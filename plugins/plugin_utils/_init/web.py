# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find how a project serves the web: WSGI or ASGI, its Dockerfile, its health page.

Private to this collection.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.plugin_utils._init import code
from ansible_collections.landfall.django.plugins.plugin_utils._init.settings import Settings
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import (
    Found,
    Tree,
    beneath,
    file_of_module,
    found,
    module_of_file,
)

# Servers of ASGI, and how each is started.
ASGI_SERVERS = {
    "uvicorn": "uvicorn {application} --host=0.0.0.0 --port={port}",
    "daphne": "daphne --bind=0.0.0.0 --port={port} {application}",
    "hypercorn": "hypercorn --bind=0.0.0.0:{port} {application}",
    "granian": "granian --interface=asgi --host=0.0.0.0 --port={port} {application}",
}
_APPLICATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_HEALTH = re.compile(r"(.*/)?_?(health|healthz|health[-_]?check|healthy|heartbeat|livez?|readyz?|ping)/?")
_INCLUDES = 50


def application(tree: Tree, folder: str, settings: Settings, kind: str) -> Found | None:
    """Return the `kind` ("wsgi" or "asgi") application as module:callable, from the settings or else by its file."""
    value = settings.value(f"{kind.upper()}_APPLICATION")
    if isinstance(value, str) and _APPLICATION.fullmatch(value):
        module, _dot, name = value.rpartition(".")
        return found(f"{module}:{name}", settings.where(f"{kind.upper()}_APPLICATION"))
    inside = f"{folder}/" if folder else ""
    for path in tree.named(f"{kind}.py"):
        for node in (tree.module(path) or ast.Module(body=[], type_ignores=[])).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if path.startswith(inside) and any(code.dotted(target) == "application" for target in targets):
                return found(f"{module_of_file(folder, path)}:application", f"{path}:{node.lineno}")
    return None


@dataclass(frozen=True)
class Dockerfile:
    """What the last stage of a Dockerfile says."""

    path: str
    workdir: str = "/"
    port: Found | None = None
    command: Found | None = None
    settings: Found | None = None
    copies: tuple[tuple[str, str], ...] = ()  # folders of the project, and where the last stage has them

    def place_of(self, folder: str) -> str:
        """Return where a folder of the project is in the image."""
        for source, target in reversed(self.copies):
            if not source or f"{folder}/".startswith(f"{source}/"):
                return _path(target, folder[len(source) :].lstrip("/"))
        return _path(self.workdir, folder)


def _path(*parts: str) -> str:
    return posixpath.normpath(posixpath.join("/", *parts))


def dockerfile(tree: Tree, path: str) -> Dockerfile | None:
    """Return the facts of a Dockerfile; None if there is none."""
    if not tree.has(path):
        return None
    facts: dict[str, Found] = {}
    workdirs = {"": "/"}
    copies: list[tuple[str, str]] = []
    stage = ""
    for number, line in _instructions(tree, path):
        word, _space, rest = line.partition(" ")
        where, rest = f"{path}:{number}", rest.strip()
        if word.upper() == "FROM":
            base, _as, stage = re.sub(r"--\S+\s+", "", rest).lower().partition(" as ")
            workdirs[stage.strip()] = workdirs.get(base.strip(), "/")
            if base.strip() not in workdirs:
                facts, copies = {}, []
            stage = stage.strip()
        elif word.upper() == "WORKDIR" and re.fullmatch(r"[\w./-]+", rest):
            workdirs[stage] = _path(workdirs[stage], rest)
        elif word.upper() in ("COPY", "ADD") and "--from" not in rest:
            parts = [part for part in re.sub(r'[\[\],"]', " ", rest).split() if not part.startswith("--")]
            # From the folder of the Dockerfile, wherever its path begins.
            copies += [(_path(source).strip("/"), _path(workdirs[stage], parts[-1])) for source in parts[:-1]]
        elif word.upper() == "EXPOSE" and (port := re.match(r"\d+", rest)):
            facts["port"] = Found(int(port[0]), where)
        elif word.upper() in ("CMD", "ENTRYPOINT"):
            facts["command"] = Found(_words(rest), where)
        elif word.upper() == "ENV" and (name := re.search(r"DJANGO_SETTINGS_MODULE[= ]\"?([\w.]+)", rest)):
            facts["settings"] = Found(name[1], where)
    return Dockerfile(path, workdirs[stage], copies=tuple(copies), **facts)


def _instructions(tree: Tree, path: str) -> Iterator[tuple[int, str]]:
    """Yield each instruction in one line, with the number of its first line."""
    text = ""
    first = 0
    for number, line in tree.lines(path):
        if line.lstrip().startswith("#") or not (text or line.strip()):
            continue
        first = first if text else number
        text += line.strip()
        if text.endswith("\\"):
            text = text[:-1]
            continue
        yield first, text
        text = ""


def _words(command: str) -> str:
    try:
        return " ".join(map(str, json.loads(command)))
    except ValueError:
        return command


def urls(tree: Tree, folder: str, settings: Settings) -> list[Found]:
    """Return the paths of the project's own URLs that have no parameters, with those that it includes."""
    root = settings.value("ROOT_URLCONF")
    file = file_of_module(tree, folder, root) if isinstance(root, str) and _APPLICATION.fullmatch(root) else ""
    return list(_urls(tree, folder, file, "/", set())) if file else []


def _urls(tree: Tree, folder: str, file: str, prefix: str, seen: set[str]) -> Iterator[Found]:
    seen.add(file)
    for node in ast.walk(tree.module(file) or ast.Module(body=[], type_ignores=[])):
        if not isinstance(node, ast.Call) or code.dotted(node.func).rpartition(".")[2] not in (
            "path",
            "re_path",
            "url",
        ):
            continue
        route = code.evaluate(node.args[0], {}) if node.args else None
        if not isinstance(route, str):
            continue
        route = prefix + route.lstrip("^").rstrip("$")
        view = node.args[1] if len(node.args) > 1 else None
        included = _included(view)
        inner = file_of_module(tree, folder, included) if included else ""
        if inner and inner not in seen and len(seen) < _INCLUDES:
            yield from _urls(tree, folder, inner, route, seen)
        elif re.fullmatch(r"[\w./~-]+", route):
            kind = included or (code.dotted(view) if view else "")
            yield Found((route, kind), f"{file}:{node.lineno}")


def _included(view: ast.expr | None) -> str:
    """The module whose URLs a view includes."""
    if isinstance(view, ast.Call) and code.dotted(view.func).endswith("include") and view.args:
        argument = view.args[0]
        if isinstance(argument, ast.Tuple) and argument.elts:
            argument = argument.elts[0]
        module = code.evaluate(argument, {})
        return module if isinstance(module, str) and _APPLICATION.fullmatch(module) else ""
    return ""


def health_path(listed: list[Found]) -> Found | None:
    """Return the path that looks like a health page."""
    for url in listed:
        route, kind = url.value
        if kind == "health_check.urls" or _HEALTH.fullmatch(route.lstrip("/")):
            return found(route, url.where)
    return None


def dockerfiles_elsewhere(tree: Tree, base: str) -> list[str]:
    """Return Dockerfiles that are not at the default place, relative to `base`."""
    inside = f"{base}/" if base else ""
    return [
        path[len(inside) :]
        for path in tree.files
        if path.startswith(inside)
        and path != beneath(base, "Dockerfile")
        and re.fullmatch(r"(.*[.-])?Dockerfile([.-].*)?", path.rpartition("/")[2])
        and re.search(r"manage\.py|gunicorn|uvicorn|requirements|uv sync|poetry", tree.text(path))
    ]
