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
    module_of_file,
)

ENVIRONMENT_VARIABLE = "DJANGO_SETTINGS_MODULE"
PRODUCTION = ("production", "prod", "live", "deploy", "deployment", "server", "docker")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_MANAGES = re.compile(r"DJANGO_SETTINGS_MODULE|execute_from_command_line")
_SETTINGS_FILE = re.compile(r"(?:.*/)?settings(\.py|/(__init__|base|common|defaults)\.py)")
# The stack sets them: a branch that asks for one of them is taken.
_GIVEN = frozenset({"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS"})
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
    listed = [path for path in tree.named("manage.py") if _MANAGES.search(tree.text(path))]
    if not listed:
        limit = "" if tree.complete else f", the first {MAXIMUM_FILES} only"
        raise NotFoundError(
            f"No manage.py of Django was found in {tree.root} ({len(tree.files)} files{limit};"
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


def guessed_module(tree: Tree, folder: str) -> Found | None:
    """Return the settings module by its name, for a project whose manage.py does not tell."""
    inside = f"{folder}/" if folder else ""
    for path in tree.files:
        if (
            path.startswith(inside)
            and _SETTINGS_FILE.fullmatch(path)
            and not _ASIDE & set(path.split("/"))
            and tree.content(path)
        ):
            return found(module_of_file(folder, path), path)
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

    def __init__(self, tree: Tree, folder: str, module: str, top: str = "/app") -> None:
        """Read them with `folder`, that of manage.py, at `top` in the image."""
        self.options: dict[str, list[Found]] = {}  # the values that a setting may have, the likeliest last
        self.deciders: dict[str, frozenset[str]] = {}  # the environment variables that choose between them
        self.variables: dict[str, tuple[code.Variable, str]] = {}
        self.unparsed: list[str] = []
        self.files: list[str] = []
        self._tree, self._folder, self._top = tree, folder, top
        self._read(file_of_module(tree, folder, module))

    def value(self, name: str) -> Any:
        return self.options[name][-1].value if name in self.options else None

    def where(self, name: str) -> str:
        return self.options[name][-1].where if name in self.options else ""

    def _read(self, path: str) -> None:
        if not path or path in self.files:
            return
        self.files.append(path)
        module = self._tree.module(path)
        if module is None:
            self.unparsed.append(path)
        else:
            self._walk(module.body, path, None)

    def _walk(self, statements: Iterable[ast.stmt], path: str, deciders: frozenset[str] | None) -> None:
        """Read statements. `deciders`: the variables that decide whether they count; None if they do in any case."""
        for node in statements:
            if isinstance(node, ast.If):
                self._branch(node, path, deciders)
            elif isinstance(node, ast.With):
                self._walk(node.body, path, deciders)
            elif isinstance(node, ast.Try):
                self._walk(node.body, path, deciders or frozenset())
            elif isinstance(node, ast.ImportFrom):
                self._import(node, path)
            else:
                self._note_variables(node, path, deciders is None)
                self._statement(node, path, deciders)

    def _branch(self, node: ast.If, path: str, deciders: frozenset[str] | None) -> None:
        """Read the branches that count without DEBUG and tests, and with what the stack sets, the likelier one last."""
        self._note_variables(node.test, path, False)
        is_negative = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
        asked = code.evaluate(test, self._names(path))
        if code.dotted(test) == "DEBUG" or _asks_for_tests(test):
            self._walk(node.body if is_negative else node.orelse, path, deciders)
        elif isinstance(asked, code.Variable) and asked.name in _GIVEN and not _is_comparison(test):
            self._walk(node.orelse if is_negative else node.body, path, deciders)
        else:
            more = {asked.name} if isinstance(asked, code.Variable) else set()
            more |= {variable.name for variable, _line in code.reads(test)}
            for branch in (node.orelse, node.body):
                self._walk(branch, path, (deciders or frozenset()) | more)

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

    def _names(self, path: str) -> dict[str, Any]:
        names = {name: options[-1].value for name, options in self.options.items()}
        inner = path[len(self._folder) :].lstrip("/")
        return {**names, "__file__": PurePosixPath(self._top, inner)}

    def _statement(self, node: ast.stmt, path: str, deciders: frozenset[str] | None) -> None:
        where = f"{path}:{node.lineno}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value, where, deciders)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, node.value, where, deciders)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            sum_of_both = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            self._assign(node.target, sum_of_both, where, deciders)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._include(node.value, path)

    def _assign(self, target: ast.expr, value: ast.expr, where: str, deciders: frozenset[str] | None) -> None:
        names = self._names(where.rpartition(":")[0])
        if isinstance(target, ast.Name):
            self._set(target.id, value, where, deciders)
            return
        keys: list[Any] = []
        while isinstance(target, ast.Subscript):
            keys.insert(0, code.evaluate(target.slice, {}))
            target = target.value
        inside = self.value(target.id) if isinstance(target, ast.Name) else None
        for key in keys[:-1]:
            inside = inside.get(key) if isinstance(inside, dict) else None
        if keys and isinstance(inside, dict):
            inside[keys[-1]] = code.evaluate(value, names)

    def _set(self, name: str, value: ast.expr, where: str, deciders: frozenset[str] | None) -> None:
        """Set a setting to a value; to several if that depends on a name with several."""
        names = self._names(where.rpartition(":")[0])
        parts = [node.id for node in ast.walk(value) if isinstance(node, ast.Name) and node.id != name]
        open_part = next((part for part in parts if len(self.options.get(part, ())) > 1), "")
        if open_part:
            options = [
                Found(code.evaluate(value, {**names, open_part: one.value}), one.where)
                for one in self.options[open_part]
            ]
        else:
            options = [Found(code.evaluate(value, names), where)]
        before = [] if deciders is None else self.options.get(name, [])
        chosen_by = self.deciders.get(name, frozenset()) if before else frozenset()
        self.options[name] = [*before, *options]
        self.deciders[name] = chosen_by | (deciders or frozenset()) | self.deciders.get(open_part, frozenset())

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


def _asks_for_tests(test: ast.expr) -> bool:
    return any(code.dotted(node) in ("sys.argv", "TESTING") for node in ast.walk(test))


def _is_comparison(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and not isinstance(test.ops[0], ast.In)
