# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluate simple expressions of Python settings without executing them.

Private to this collection.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

# What reads the environment: os.environ, os.getenv, django-environ, environs, python-decouple.
_READERS = frozenset({"config", "decouple", "env", "environ", "getenv", "os"})
# Of dj-database-url; its variable is DATABASE_URL unless it names another.
_DATABASE_URL = frozenset({"dj_database_url.config", "env.db", "env.db_url", "env.dj_db_url"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
# A project's own functions that do the same, such as envint.
_OWN_READER = re.compile(r"(get_?)?env\w*")
_SAME = frozenset({"resolve", "absolute", "as_posix", "strip", "lower", "upper"})
_WRAPPERS = frozenset(
    {"Path", "pathlib.Path", "str", "bool", "int", "list", "os.path.abspath", "os.path.realpath", "os.path.normpath",
     "environ.Path", "dj_database_url.parse", "Csv"}
)  # fmt: skip


@dataclass(frozen=True)
class Variable:
    """The value of an environment variable."""

    name: str
    default: Any = None
    is_required: bool = False
    separator: str = ","
    is_database_url: bool = False


def dotted(node: ast.AST) -> str:
    """Return a name with its attributes, such as os.path.join; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def evaluate(node: ast.AST | None, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression: text, number, list, dictionary, path or Variable. None if it is unknown."""
    kind = _KINDS.get(type(node))
    return kind(node, names) if kind else None


def reads(node: ast.AST) -> Iterator[tuple[Variable, int]]:
    """Yield the environment variables that a statement reads, each with its line."""
    for inner in ast.walk(node):
        variable = _variable(inner, {})
        if variable:
            yield variable, getattr(inner, "lineno", 0)


def _variable(node: ast.AST, names: Mapping[str, Any]) -> Variable | None:
    if isinstance(node, ast.Subscript) and dotted(node.value).rpartition(".")[2] == "environ":
        key = evaluate(node.slice, {})
        return Variable(key, is_required=True) if isinstance(key, str) and _NAME.fullmatch(key) else None
    return _called_variable(node, names) if isinstance(node, ast.Call) else None


def _called_variable(node: ast.Call, names: Mapping[str, Any]) -> Variable | None:
    function = dotted(node.func)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if function == "dj_database_url.config":
        name = evaluate(given.get("env"), {}) or "DATABASE_URL"
        default = given.get("default") or (node.args[0] if node.args else None)
    elif function.partition(".")[0] in _READERS or _OWN_READER.fullmatch(function):
        name = evaluate(node.args[0], {}) if node.args else "DATABASE_URL" if function in _DATABASE_URL else None
        default = given.get("default") or (node.args[1] if len(node.args) > 1 else None)
    else:
        return None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    optional = default is not None or function.endswith((".get", "getenv")) or function == "dj_database_url.config"
    # A function of the project may have a default of its own.
    optional = optional or bool(_OWN_READER.fullmatch(function) and function != "env")
    return Variable(name, evaluate(default, names), not optional, is_database_url=function in _DATABASE_URL)


def _call(node: ast.Call, names: Mapping[str, Any]) -> Any:
    function = dotted(node.func)
    variable = _called_variable(node, names)
    if variable:
        return variable
    given = [evaluate(argument, names) for argument in node.args]
    first = given[0] if given else None
    if function in _WRAPPERS:
        if function == "dj_database_url.parse" and isinstance(first, Variable):
            return replace(first, is_database_url=True)
        return PurePosixPath(first) if isinstance(first, str) and function.endswith("Path") else first
    if function == "os.path.join":
        return _joined(first, given[1:])
    if function == "os.path.dirname" and isinstance(first, (str, PurePosixPath)):
        return PurePosixPath(first).parent
    return _method(node, given, names)


def _method(node: ast.Call, given: list[Any], names: Mapping[str, Any]) -> Any:
    """Return what a method of a known value returns."""
    if not isinstance(node.func, ast.Attribute):
        # A path of django-environ is called with what follows.
        return _joined(evaluate(node.func, names), given)
    value, method = evaluate(node.func.value, names), node.func.attr
    if method in _SAME:
        return value
    if method in ("joinpath", "path"):
        return _joined(value, given)
    if method == "split":
        separator = given[0] if given and isinstance(given[0], str) else " "
        if isinstance(value, Variable):
            return replace(value, separator=separator)
        return value.split(separator) if isinstance(value, str) and separator else None
    return None


def settled(value: Any) -> Any:
    """Return a value, of an environment variable its default."""
    return value.default if isinstance(value, Variable) else value


def _joined(base: Any, parts: list[Any]) -> Any:
    base, parts = settled(base), [settled(part) for part in parts]
    if isinstance(base, (str, PurePosixPath)) and all(isinstance(part, (str, PurePosixPath)) for part in parts):
        return PurePosixPath(base, *parts)
    return None


def _binary(node: ast.BinOp, names: Mapping[str, Any]) -> Any:
    left, right = evaluate(node.left, names), evaluate(node.right, names)
    if isinstance(node.op, ast.Div):
        return _joined(left, [right])
    if isinstance(node.op, ast.Sub) and isinstance(left, PurePosixPath) and isinstance(right, int):
        return left.parents[right - 1] if 0 < right <= len(left.parents) else left
    if isinstance(node.op, ast.Add) and type(left) is type(right) and isinstance(left, (str, list)):
        return left + right
    return None


def _subscript(node: ast.Subscript, names: Mapping[str, Any]) -> Any:
    variable = _variable(node, names)
    if variable:
        return variable
    key = evaluate(node.slice, names)
    if isinstance(node.value, ast.Attribute) and node.value.attr == "parents" and isinstance(key, int):
        path = evaluate(node.value.value, names)
        return path.parents[key] if isinstance(path, PurePosixPath) and 0 <= key < len(path.parents) else None
    value = evaluate(node.value, names)
    return value.get(key) if isinstance(value, dict) and isinstance(key, str) else None


def _attribute(node: ast.Attribute, names: Mapping[str, Any]) -> Any:
    value = evaluate(node.value, names)
    return value.parent if isinstance(value, PurePosixPath) and node.attr == "parent" else None


def _dictionary(node: ast.Dict, names: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for key, value in zip(node.keys, node.values):
        name, item = evaluate(key, names), evaluate(value, names)
        if key is None and isinstance(item, dict):
            known.update(item)
        elif isinstance(name, str):
            known[name] = item
    return known


def _text(node: ast.JoinedStr, names: Mapping[str, Any]) -> str | None:
    parts = [evaluate(part.value if isinstance(part, ast.FormattedValue) else part, names) for part in node.values]
    return "".join(map(str, parts)) if all(isinstance(part, (str, PurePosixPath, int)) for part in parts) else None


def _alternative(node: ast.BoolOp, names: Mapping[str, Any]) -> Any:
    return next((value for value in (evaluate(one, names) for one in node.values) if value is not None), None)


def _compared(node: ast.Compare, names: Mapping[str, Any]) -> Any:
    value = evaluate(node.left, names)
    if isinstance(node.ops[0], ast.In) and dotted(node.comparators[0]).endswith("environ") and isinstance(value, str):
        return Variable(value)
    return value if isinstance(value, Variable) else None


def _sequence(node: Any, names: Mapping[str, Any]) -> list[Any]:
    return [evaluate(item, names) for item in node.elts]


_KINDS: dict[type | None, Any] = {
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: _alternative,
    ast.Call: _call,
    ast.Compare: _compared,
    ast.Constant: lambda node, _names: node.value,
    ast.Dict: _dictionary,
    ast.JoinedStr: _text,
    ast.List: _sequence,
    ast.Name: lambda node, names: names.get(node.id),
    ast.Set: _sequence,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
}
