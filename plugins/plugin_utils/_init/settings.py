# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find a Django project's manage.py and settings, and read the settings without executing them.

Private to this collection.
"""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.landfall.django.plugins.plugin_utils._init import code
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import (
    MAXIMUM_FILES,
    SKIPPED,
    Found,
    Tree,
    beneath,
    file_of_module,
    folder_of,
    found,
)

ENVIRONMENT_VARIABLE = "DJANGO_SETTINGS_MODULE"
PRODUCTION = ("production", "prod", "live", "deploy", "deployment", "server", "docker")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
# Projects within a project.
_ASIDE = frozenset({"demo", "docs", "example", "examples", "sample", "samples", "sandbox", "test", "tests", "testing"})


class NotFoundError(Exception):
    """Something without which nothing can be written. The text says where it was looked for, and the cure."""


def manage_file(tree: Tree, given: str = "") -> str:
    """Return the path of the project's manage.py."""
    if given:
        if not tree.has(given):
            raise NotFoundError(f"init_manage: there is no file {given} in {tree.root}: correct the path.")
        return given
    listed = [path for path in tree.named("manage.py") if ENVIRONMENT_VARIABLE in tree.text(path)]
    if not listed:
        limit = "" if tree.complete else f", the first {MAXIMUM_FILES} only"
        raise NotFoundError(
            f"No manage.py that sets {ENVIRONMENT_VARIABLE} was found in {tree.root} ({len(tree.files)} files{limit};"
            f" not in {', '.join(sorted(SKIPPED))} and virtual environments). Run this in the project's folder, or set"
            " init_project_dir to it. If the file has another name, set init_manage to its path."
        )
    listed.sort(key=_rank)
    equal = [path for path in listed if _rank(path)[:2] == _rank(listed[0])[:2]]
    if len(equal) > 1:
        raise NotFoundError(
            f"There is more than one manage.py: {', '.join(equal)}. Set init_manage to the one to deploy, as in"
            f" -e init_manage={equal[0]}."
        )
    return listed[0]


def _rank(path: str) -> tuple[bool, int, str]:
    parts = PurePosixPath(path).parts
    return bool(_ASIDE & set(parts)), len(parts), path


def default_module(tree: Tree, path: str) -> Found | None:
    """Return the settings module that a file such as manage.py or wsgi.py sets unless the environment does."""
    for node in ast.walk(tree.module(path) or ast.Module(body=[], type_ignores=[])):
        if isinstance(node, ast.Call) and code.dotted(node.func).endswith("environ.setdefault"):
            values = [code.evaluate(argument, {}) for argument in node.args]
            if len(values) == 2 and values[0] == ENVIRONMENT_VARIABLE and _is_module(values[1]):
                return found(values[1], f"{path}:{node.lineno}")
    return None


def _is_module(value: Any) -> bool:
    return isinstance(value, str) and bool(_DOTTED.fullmatch(value))


def production_module(tree: Tree, folder: str, default: str, environment: str) -> Found | None:
    """Return the module beside or below the default one that is meant for this environment, such as production."""
    package, _dot, last = default.rpartition(".")
    places = [package] if last != "settings" else []
    if file_of_module(tree, folder, default).endswith("/__init__.py"):
        places.insert(0, default)
    names = [f"{place}.{name}" for name in (environment, *PRODUCTION) for place in places]
    before = f"{package}." if package else ""
    for name in (environment, *PRODUCTION):
        names += [f"{before}settings_{name}", f"{before}{name}_settings"]
    for name in names:
        path = file_of_module(tree, folder, name)
        if path and name != default:
            return found(name, path)
    return None


class Settings:
    """The settings of a module and of all modules that it imports with *, as far as they can be evaluated."""

    def __init__(self, tree: Tree, folder: str, module: str, base: str = "", top: str = "/app") -> None:
        """Read them with `base`, the folder that is built, at `top` in the image."""
        self.values: dict[str, Found] = {}
        self.variables: dict[str, tuple[code.Variable, str]] = {}
        self.unparsed: list[str] = []
        self.files: list[str] = []
        self._tree, self._folder, self._base, self._top = tree, folder, base, top
        self._read(file_of_module(tree, folder, module))

    def value(self, name: str) -> Any:
        return self.values[name].value if name in self.values else None

    def where(self, name: str) -> str:
        return self.values[name].where if name in self.values else ""

    def _read(self, path: str) -> None:
        if not path or path in self.files:
            return
        self.files.append(path)
        module = self._tree.module(path)
        if module is None:
            self.unparsed.append(path)
        else:
            self._walk(module.body, path)

    def _walk(self, statements: Iterable[ast.stmt], path: str, is_certain: bool = True) -> None:
        for node in statements:
            if isinstance(node, ast.If):
                self._note_variables(node.test, path, False)
                for branch in _branches(node):
                    self._walk(branch, path, is_certain and _is_debug(node.test))
            elif isinstance(node, (ast.Try, ast.With)):
                self._walk(node.body, path, is_certain and isinstance(node, ast.With))
            elif isinstance(node, ast.ImportFrom):
                self._import(node, path)
            else:
                self._note_variables(node, path, is_certain)
                self._statement(node, path)

    def _note_variables(self, node: ast.AST, path: str, is_certain: bool) -> None:
        """Note which variables are read. Those that may not be needed, or have a default elsewhere, are optional."""
        for variable, line in code.reads(node):
            known, _where = self.variables.get(variable.name, (None, ""))
            if not is_certain or (known and not known.is_required):
                variable = replace(variable, is_required=False)
            self.variables[variable.name] = (variable, f"{path}:{line}")
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and code.dotted(inner.func) in ("Env", "environ.Env"):
                for name in filter(None, (keyword.arg for keyword in inner.keywords)):
                    self.variables[name] = (code.Variable(name), f"{path}:{inner.lineno}")

    def _import(self, node: ast.ImportFrom, path: str) -> None:
        if [alias.name for alias in node.names] != ["*"]:
            return
        module = node.module or ""
        if node.level:
            parts = folder_of(path).split("/")
            package = "/".join(parts[: len(parts) - node.level + 1])
            self._read(file_of_module(self._tree, package, module) if module else f"{package}/__init__.py")
        else:
            self._read(file_of_module(self._tree, self._folder, module))

    def _statement(self, node: ast.stmt, path: str) -> None:
        names = {name: found.value for name, found in self.values.items()}
        names["__file__"] = PurePosixPath(self._top, path[len(self._base) :].lstrip("/"))
        where = f"{path}:{node.lineno}"
        if isinstance(node, ast.Assign):
            value = code.evaluate(node.value, names)
            for target in node.targets:
                self._assign(target, value, where)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, code.evaluate(node.value, names), where)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before, more = names.get(node.target.id), code.evaluate(node.value, names)
            if isinstance(before, list) and isinstance(more, list):
                self._assign(node.target, before + more, where)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._include(node.value, path)

    def _assign(self, target: ast.expr, value: Any, where: str) -> None:
        if isinstance(target, ast.Name):
            self.values[target.id] = Found(value, where)
            return
        keys: list[Any] = []
        while isinstance(target, ast.Subscript):
            keys.insert(0, code.evaluate(target.slice, {}))
            target = target.value
        inside = self.value(target.id) if isinstance(target, ast.Name) else None
        for key in keys[:-1]:
            inside = inside.get(key) if isinstance(inside, dict) else None
        if keys and isinstance(inside, dict):
            inside[keys[-1]] = value

    def _include(self, call: ast.Call, path: str) -> None:
        """Read what django-split-settings includes."""
        if code.dotted(call.func) != "include":
            return
        for argument in call.args:
            if isinstance(argument, ast.Call) and argument.args:
                argument = argument.args[0]
            pattern = code.evaluate(argument, {})
            if isinstance(pattern, str):
                for file in fnmatch.filter(self._tree.files, beneath(folder_of(path), pattern)):
                    self._read(file)


def _is_debug(test: ast.expr) -> bool:
    return code.dotted(test.operand if isinstance(test, ast.UnaryOp) else test) == "DEBUG"


def _branches(node: ast.If) -> list[list[ast.stmt]]:
    """The branches of a condition that count without DEBUG, the more likely one last."""
    if _is_debug(node.test):
        return [node.body if isinstance(node.test, ast.UnaryOp) else node.orelse]
    return [node.orelse, node.body]
