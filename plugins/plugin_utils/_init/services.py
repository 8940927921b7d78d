# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the services that a project needs: database, Redis, Celery and its schedule, and its git repository.

Private to this collection.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES
from ansible_collections.landfall.django.plugins.plugin_utils._init import code
from ansible_collections.landfall.django.plugins.plugin_utils._init.settings import Settings
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Found, Tree, found, module_of_file

_SERVERS = {name: engine for name, engine in ENGINES.items() if engine.words_in_settings}
_WORDS = {**{name: engine.words_in_settings for name, engine in _SERVERS.items()}, "none": r"sqlite|spatialite"}
_TESTS = re.compile(r"(^|/)(tests?|conftest\.py|test_[^/]*)(/|$)")


def engine_of(text: Any) -> str:
    """Return the kind of database that an ENGINE or an address names, or nothing."""
    return next((name for name, words in _WORDS.items() if re.search(words, str(text or "").lower())), "")


def database(settings: Settings, packages: Mapping[str, str]) -> list[Found]:
    """Return the kinds of database that the project may use: one if it is clear, none if nothing tells."""
    options = settings.options.get("DATABASES", [])
    deciders = settings.deciders.get("DATABASES", frozenset())
    # What chooses the likeliest one is what the stack sets for it.
    if deciders and deciders <= _read_by(options[-1].value):
        options = options[-1:]
    kinds = {kind.value: kind for option in options for kind in _kinds(option, packages)}
    # A server first: a file is what a developer has.
    return sorted(kinds.values(), key=lambda kind: kind.value == "none") or (
        _kinds(Found(None, ""), packages) if not options else []
    )


def _read_by(databases: Any) -> set[str]:
    """The names of the environment variables that a value of DATABASES reads."""
    one = databases.get("default") if isinstance(databases, dict) else None
    parts = one.values() if isinstance(one, dict) else [one]
    return {part.name for part in parts if isinstance(part, code.Variable)}


def _kinds(option: Found, packages: Mapping[str, str]) -> list[Found]:
    """The kinds of database that one value of DATABASES may mean."""
    one = option.value.get("default") if isinstance(option.value, dict) else None
    engine = one.get("ENGINE") if isinstance(one, dict) else None
    if isinstance(engine, str) and engine_of(engine):
        return [Found(engine_of(engine), option.where)]
    drivers = [
        Found(kind, packages[name]) for kind, one in _SERVERS.items() for name in one.drivers if name in packages
    ]
    kinds = {driver.value: driver for driver in reversed(drivers)}
    if kinds:
        return list(kinds.values())
    # The default of a variable that production sets.
    either = engine if isinstance(engine, code.Variable) else one
    guess = engine_of(either.default) if isinstance(either, code.Variable) else ""
    return [Found(guess, option.where)] if guess else []


def redis(settings: Settings, packages: Mapping[str, str], tree: Tree) -> Found | None:
    """Return where the project names Redis."""
    for name in ("redis", "django-redis", "channels-redis", "valkey", "django-valkey"):
        if name in packages:
            return Found(True, packages[name])
    for file in settings.files:
        for number, line in tree.lines(file):
            if re.search(r"redis", line.partition("#")[0], re.IGNORECASE):
                return Found(True, f"{file}:{number}")
    return None


def celery(tree: Tree, folder: str) -> Found | None:
    """Return the Celery application as `celery --app` takes it."""
    inside = f"{folder}/" if folder else ""
    files = [path for path in tree.files if path.endswith(".py") and path.startswith(inside)]
    # By convention it is in celery.py.
    files.sort(key=lambda path: (bool(_TESTS.search(path)), not path.endswith("/celery.py"), path.count("/")))
    for path in files:
        if b"elery(" not in tree.content(path) or _TESTS.search(path):
            continue
        for node in (tree.module(path) or ast.Module(body=[], type_ignores=[])).body:
            name = _celery_name(node)
            if name:
                module = module_of_file(folder, path)
                # Celery looks into celery.py of a package by itself, and there for these names.
                short = module.removesuffix(".celery") if name in ("app", "celery") else f"{module}:{name}"
                return found(short, f"{path}:{node.lineno}")
    return None


def _celery_name(node: ast.stmt) -> str:
    """The name that a statement gives to a Celery application, or nothing."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return ""
    is_celery = code.dotted(node.value.func).rpartition(".")[2] == "Celery"
    return code.dotted(node.targets[0]) if is_celery else ""


def schedule(tree: Tree, settings: Settings, packages: Mapping[str, str], files: list[str]) -> Found | None:
    """Return where the project has a schedule for beat."""
    for name in ("CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULER"):
        if name in settings.options:
            return Found(name, settings.where(name))
    if "django-celery-beat" in packages:
        return Found("django-celery-beat", packages["django-celery-beat"])
    for file in files:
        for number, line in tree.lines(file):
            if re.search(r"\bbeat_schedule\b|\badd_periodic_task\(", line.partition("#")[0]):
                return Found("beat_schedule", f"{file}:{number}")
    return None


def git_remote(tree: Tree) -> Found | None:
    """Return the URL of the remote origin, without a user's name and token."""
    section = ""
    for number, line in tree.lines(".git/config"):
        if line.lstrip().startswith("["):
            section = line.strip()
        elif section == '[remote "origin"]' and (url := re.match(r"\s*url\s*=\s*(\S+)", line)):
            # Over ssh the user is no secret, and is needed.
            public = re.sub(r"^(https?://)[^/]*@", r"\1", url[1])
            return found(public, f".git/config:{number}") if not public.startswith("/") else None
    return None


def git_branch(tree: Tree) -> Found | None:
    match = re.match(r"ref: refs/heads/(\S+)", tree.text(".git/HEAD"))
    return found(match[1], ".git/HEAD:1") if match else None
