# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold variables against the roles' argument specs: names, types, choices. One sentence a problem.

Private to this collection.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import ArgumentTypeError, ArgumentValueError, ElementError

Options = Mapping[str, Mapping[str, Any]]

_WORDS = {
    "bool": "true or false",
    "dict": "a dictionary of names and values",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "a text",
}
_EMPTY: dict[str, Any] = {"dict": {}, "list": [], "path": "", "str": ""}
_SECRET = re.compile(r"password|secret|_url$|alarms|environment|build_args|logins|repository|override|_dns$")
# What Ansible says of a key in a dictionary.
_INNER = re.compile(r"(?:argument|option) '(?P<name>\w+)'")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_PRIVATE = "__stack_"


def unknown_names(names: Collection[str], known: Collection[str], prefix: str = "stack_") -> Iterator[str]:
    """Variables that look like ours and are not."""
    for name in sorted(name for name in names if name.startswith(prefix) and name not in known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        cure = f"did you mean {near[0]}?" if near else f"remove it, or name it without {prefix} if it is your own."
        yield f"{name}: there is no such variable: {cure}"


def waits_for_the_role(value: Any, variables: Mapping[str, Any]) -> bool:
    """Whether a raw value refers, directly or through other variables, to what the role works out later."""
    waiting: list[Any] = [value]
    seen: set[str] = set()
    while waiting:
        item = waiting.pop()
        # hostvars is a mapping and no dict: to walk through it would template every host's variables.
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
        elif isinstance(item, str) and ("{{" in item or "{%" in item):
            for name in set(_IDENTIFIER.findall(item)) - seen:
                if name.startswith(_PRIVATE):
                    return True
                seen.add(name)
                waiting.append(variables.get(name))
    return False


def shown(name: str, value: Any) -> str:
    """A value as a message may print it: short, and never one that may be a secret."""
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return "the value given" if _SECRET.search(name) or len(text) > 80 else text


def is_plain_wrong(kind: str, value: Any) -> bool:
    """What Ansible would convert without a word, and what would then be used as something else than it was meant."""
    if kind == "list":
        return not isinstance(value, (list, tuple))
    if kind == "dict":
        return not isinstance(value, Mapping)
    if kind in ("str", "path"):
        return isinstance(value, (bool, float, datetime.date, list, tuple, Mapping))
    return kind == "int" and isinstance(value, bool)


def checked(options: Options, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values as their types, without those that are of none, and the problems."""
    good: dict[str, Any] = {}
    problems = []
    for name in sorted(set(options) & set(values)):
        problem = ""
        value, option = values[name], dict(options[name], required=False)
        if value is None:
            # A name with nothing behind it in YAML.
            good[name] = _EMPTY.get(option.get("type", "str"))
            continue
        if is_plain_wrong(option.get("type", "str"), value):
            problem = _type_problem(name, option, value)
        else:
            result = ArgumentSpecValidator({name: option}).validate({name: value})
            for error in result.errors.errors:
                problem = _sentence(name, option, value, error)
        if problem:
            problems.append(problem)
        else:
            good[name] = result.validated_parameters[name]
    return good, problems


def _sentence(name: str, option: Mapping[str, Any], value: Any, error: Exception) -> str:
    inner = _INNER.search(str(error))
    if inner and isinstance(value, Mapping) and inner["name"] in option.get("options", {}):
        key = inner["name"]
        return _sentence(f"{name}: {key}", option["options"][key], value.get(key), error)
    if isinstance(error, ArgumentValueError):
        choices = ", ".join(str(choice) for choice in option.get("choices", []))
        return f"{name}: {shown(name, value)} is not one of its choices: set it to one of {choices}."
    if isinstance(error, ElementError):
        wanted = _WORDS.get(option.get("elements", ""), "of the documented type")
        return f"{name}: an item of its list is not {wanted}: correct the items."
    if isinstance(error, ArgumentTypeError):
        return _type_problem(name, option, value)
    return f"{name}: {error}: correct it as the role's documentation says."


def _type_problem(name: str, option: Mapping[str, Any], value: Any) -> str:
    kind = option.get("type", "str")
    wanted = _WORDS.get(kind, f"of type {kind}")
    sentence = f"{name}: {shown(name, value)} is not {wanted}"
    if kind in ("str", "path") and not isinstance(value, (list, tuple, Mapping)):
        return f"{sentence}: put the value in quotes, or YAML reads it as something else."
    if kind == "list" and isinstance(value, str):
        return f"{sentence}: write it in brackets, as {name}: [{value}]."
    example = option.get("default")
    return f"{sentence}: give {wanted}" + (f", such as {example}." if isinstance(example, int) else ".")
