# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a value of the inventory reaches a project as it is written, or is read by Ansible as a template.

A password such as `p{{4` or `{{ 7*7 }}` means itself, and Ansible sees a template in it. What refers to a variable is
meant as one. Everything else that Jinja would take for its own is refused, and never changed in silence.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

try:
    # Of ansible-core 2.19 and newer: only what is tagged is ever read as a template.
    from ansible.template import is_trusted_as_template
except ImportError:

    def is_trusted_as_template(value: object) -> bool:
        """Before 2.19 everything was one, but for what is marked as unsafe, as all is that comes from a vault."""
        return not getattr(value, "__UNSAFE__", False)


_JINJA = Environment()  # noqa: S701 - it only reads
_HEADER = "#jinja2:"
_MARKERS = re.compile(r"\{\{|\{%|\{#")
# Reading through these would lead to every variable of every host.
_ANSIBLES_OWN = {"hostvars", "groups", "vars"}
_LOOKUPS = {"lookup", "query", "q"}
_LOOKUP_OF_VARIABLES = {"vars", "ansible.builtin.vars"}
_FUNCTIONS = {*_LOOKUPS, "now", "undef", "omit"}
_GUARDS = (nodes.Filter, nodes.Test, nodes.CondExpr, nodes.And, nodes.Or, nodes.If, nodes.For)
_GUARDING = {"default", "d", "ansible.builtin.default", "defined", "undefined"}
_UNSAFE = "mark it as text with !unsafe"


@dataclass(frozen=True)
class Fault:
    """Why a text does not arrive as it is written, and in which variable that is; `place` is empty for its own."""

    reason: str
    place: str = ""


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value inside dictionaries and lists, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from leaves(item, (*path, str(number)))
    else:
        yield path, value


def fault_of(value: Any, variables: Mapping[str, Any]) -> Fault | None:
    """What keeps a value, or one that it refers to, from arriving as it is written."""
    return _fault(value, variables, set(), place="")


def undefined_in(value: Any, variables: Mapping[str, Any]) -> list[str]:
    """The names that nobody defines, of those that a value reads and does without in no case.

    For a value that cannot be evaluated yet, since it also refers to what a role finds out later.
    """
    found: dict[str, None] = {}
    waiting: list[Any] = [value]
    seen: set[str] = set()
    while waiting:
        text = waiting.pop()
        if not _is_template(text):
            continue
        try:
            names = [name for name, *_keys in _names(_JINJA.parse(text), optional=False)]
        except TemplateSyntaxError:
            continue
        for name in names:
            if name not in variables and name not in _FUNCTIONS and not name.startswith("__"):
                found[name] = None
            elif name in variables and name not in {*seen, *_ANSIBLES_OWN}:
                seen.add(name)
                waiting += [leaf for _path, leaf in leaves(variables[name])]
    return list(found)


def _fault(value: Any, variables: Mapping[str, Any], seen: set[str], place: str) -> Fault | None:
    if not _is_template(value):
        return None
    reason = _reason(value, may_decide=bool(place))
    if reason:
        return Fault(reason, place)
    faults = (_fault(leaf, variables, seen, where) for where, leaf in _referenced(value, variables, seen))
    return next((fault for fault in faults if fault), None)


def _is_template(value: Any) -> bool:
    """Whether Ansible would take a value for one."""
    return (
        isinstance(value, str)
        and is_trusted_as_template(value)
        and (value.startswith(_HEADER) or bool(_MARKERS.search(value)))
    )


def _referenced(text: str, variables: Mapping[str, Any], seen: set[str]) -> Iterator[tuple[str, Any]]:
    """The values that a template reads, each once, with their places."""
    for name, *keys in _names(_JINJA.parse(text)):
        if name in _ANSIBLES_OWN or name not in variables:
            continue
        found, used = _inside(variables[name], keys)
        where = ".".join([name, *used])
        if where not in seen:
            seen.add(where)
            yield from ((".".join([where, *path]), leaf) for path, leaf in leaves(found))


def _reason(text: str, may_decide: bool) -> str:
    """Why a template is not taken for one that somebody meant; `may_decide` where it may hold statements."""
    if text.startswith(_HEADER):
        return f"it begins with {_HEADER}, which Ansible takes for itself: {_UNSAFE}"
    try:
        kinds = {kind for _line, kind, _text in _JINJA.lex(text)}
        body = _JINJA.parse(text).body
    except TemplateSyntaxError:
        return f"it has {_first_marker(text)} in it, which begins a template and is none: {_UNSAFE}"
    if "comment_begin" in kinds:
        return f"it has {{# in it, which begins a comment that Ansible drops: {_UNSAFE}"
    if "raw_begin" in kinds or ("block_begin" in kinds and not may_decide):
        return f"it has {{% in it, which begins a statement: {_UNSAFE}, or write an expression instead"
    if "\r" in text:
        return (
            "it has a carriage return beside a reference, which Ansible would turn into a line feed: keep that part in "
            "a variable of its own"
        )
    parts = [part for node in body for part in (node.nodes if isinstance(node, nodes.Output) else [node])]
    if any(not isinstance(part, nodes.TemplateData) and not list(_names(part)) for part in parts):
        return f"it has {_first_marker(text)} in it and names no variable there: {_UNSAFE}"
    return ""


def _first_marker(text: str) -> str:
    found = _MARKERS.search(text)
    return found.group() if found else "{{"


def _names(node: nodes.Node, optional: bool = True) -> Iterator[list[str]]:
    """The variables that a part of a template reads, each with the constant keys after it.

    Without the `optional` ones, those that have a default, are tested, or are read on a condition.
    """
    if not optional and isinstance(node, _GUARDS) and getattr(node, "name", "default") in _GUARDING:
        return
    path = _path(node)
    if path:
        yield path
        return
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in _LOOKUPS:
        kind, *given = [argument.value for argument in node.args if isinstance(argument, nodes.Const)] or [""]
        if kind in _LOOKUP_OF_VARIABLES:
            yield from ([str(name)] for name in given)
    for child in node.iter_child_nodes():
        yield from _names(child, optional)


def _path(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.Name):
        return [node.name] if node.ctx == "load" and node.name not in _JINJA.globals else []
    before: list[str] = []
    key: Any = None
    if isinstance(node, nodes.Getattr):
        before, key = _path(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        before, key = _path(node.node), node.arg.value
    return [*before, str(key)] if before else []


def _inside(value: Any, keys: list[str]) -> tuple[Any, list[str]]:
    """What the keys lead to, as far as they lead, and those that do."""
    for number, key in enumerate(keys):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, (list, tuple)) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return value, keys[:number]
    return value, keys
