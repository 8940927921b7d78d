# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide which environment variables of a project get which value, and which only its owner knows.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.landfall.django.plugins.plugin_utils._init.code import Variable
from ansible_collections.landfall.django.plugins.plugin_utils._init.project import Project
from ansible_collections.landfall.django.plugins.plugin_utils._init.services import engine_of
from ansible_collections.landfall.django.plugins.plugin_utils._init.settings import ENVIRONMENT_VARIABLE, default_module

# What the stack sets by itself, or what is none of its business.
_STACK_SETS = frozenset(
    {
        "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "DEBUG", "HOME", "PATH", "REDIS_URL", "SECRET_KEY",
        "SECRET_KEY_FALLBACKS", ENVIRONMENT_VARIABLE,
    }
)  # fmt: skip
_SECRET_NAME = re.compile(r"SECRET|PASS|TOKEN|KEY|DSN|CREDENTIAL|_URL$|URI$")
_OF_DATABASE = {
    "HOST": "{{ stack_database_host }}",
    "PORT": "{{ stack_database_port }}",
    "NAME": "{{ stack_database_name }}",
    "USER": "{{ stack_database_user }}",
    "PASSWORD": "{{ stack_database_password }}",
}
_LISTS = {
    "ALLOWED_HOSTS": "{{ stack_domains | join('%s') }}",
    "CSRF_TRUSTED_ORIGINS": "{{ stack_domains | map('regex_replace', '^', 'https://') | join('%s') }}",
}
_FIRST = {
    "ALLOWED_HOSTS": "{{ stack_domains | first }}",
    "CSRF_TRUSTED_ORIGINS": "https://{{ stack_domains | first }}",
}
_SECRETS = {
    "SECRET_KEY": "{{ stack_secret_key }}",
    "BROKER_URL": "{{ stack_redis_url }}",
    "CELERY_BROKER_URL": "{{ stack_redis_url }}",
    "CELERY_RESULT_BACKEND": "{{ stack_redis_url }}",
    "REDIS_URL": "{{ stack_redis_url }}",
}
# Another database of Redis than the queue's, or clearing the cache would clear the queue.
_CACHE = "{{ stack_redis_url | regex_replace('/0$', '/1') }}"


@dataclass(frozen=True)
class Setting:
    """One environment variable and its comment. An open one is a question: it is commented out."""

    name: str
    value: str
    comment: str
    is_secret: bool = False
    is_open: bool = False


def environment_of(project: Project) -> list[Setting]:
    """Return what goes into stack_environment and, if it is secret, into stack_secrets."""
    settings: dict[str, Setting] = {}
    for finder in (_settings_module, _python_path, _lists, _secrets, _database, _cache, _questions):
        for setting in finder(project):
            settings.setdefault(setting.name, setting)
    return list(settings.values())


def _python_path(project: Project) -> Iterator[Setting]:
    if project.code != project.workdir:
        yield Setting("PYTHONPATH", project.code, f"{project.manage} is not in {project.workdir}, where commands run.")


def _lists(project: Project) -> Iterator[Setting]:
    for setting, value in _LISTS.items():
        found = project.settings.value(setting)
        variable = _only(found)
        if variable and isinstance(found, list):
            # It is one item of the list, and no list itself.
            yield Setting(variable.name, _FIRST[setting], project.settings.where(setting))
        elif variable and not (variable.name == setting and variable.separator == ","):
            separator = variable.separator if variable.separator in (",", " ", ";", "|") else ","
            yield Setting(variable.name, value % separator, project.settings.where(setting))


def _secrets(project: Project) -> Iterator[Setting]:
    for setting, value in _SECRETS.items():
        variable = _only(project.settings.value(setting))
        # An address that is read on a condition is for another server than the stack's.
        is_sure = setting == "SECRET_KEY" or not project.settings.deciders.get(setting)
        if variable and variable.name not in _STACK_SETS and is_sure:
            yield Setting(variable.name, value, project.settings.where(setting), is_secret=True)


def _database(project: Project) -> Iterator[Setting]:
    for option in reversed(project.settings.options.get("DATABASES", [])):
        one = option.value.get("default") if isinstance(option.value, dict) else None
        if isinstance(one, Variable) and one.name not in _STACK_SETS:
            yield Setting(one.name, "{{ stack_database_url }}", option.where, is_secret=True)
        if isinstance(one, dict) and engine_of(one.get("ENGINE")) != "none":
            for key, value in _OF_DATABASE.items():
                if variable := _only(one.get(key)):
                    yield Setting(variable.name, value, option.where, is_secret=key == "PASSWORD")


def _cache(project: Project) -> Iterator[Setting]:
    caches, where = project.settings.value("CACHES"), project.settings.where("CACHES")
    one = caches.get("default") if isinstance(caches, dict) else None
    variable = _only(one.get("LOCATION")) if isinstance(one, dict) else None
    is_sure = not project.settings.deciders.get("CACHES")
    if variable and project.redis and variable.name not in _STACK_SETS and is_sure:
        yield Setting(variable.name, _CACHE, where, is_secret=True)


def _questions(project: Project) -> Iterator[Setting]:
    if len(project.databases) > 1:
        for name in sorted(project.settings.deciders.get("DATABASES", ())):
            yield Setting(name, "", "Which value? The settings choose the database by it.", is_open=True)
    for name, (variable, where) in project.settings.variables.items():
        if variable.is_required and name not in _STACK_SETS:
            is_secret = bool(_SECRET_NAME.search(name))
            value = f"{{{{ vault_{name.lower()} }}}}" if is_secret else ""
            question = f"Which value? It is read in {where}, without a default."
            yield Setting(name, value, question, is_secret, is_open=True)


def _only(value: Any) -> Variable | None:
    """The one environment variable that a setting consists of."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Variable) else None


def _settings_module(project: Project) -> Iterator[Setting]:
    """The settings module, where one of the project's own entry points would take another."""
    chosen = project.settings_module
    if not chosen or (project.dockerfile and project.dockerfile.settings):
        return
    files = [project.manage]
    files += [found.where.rpartition(":")[0] for found in (project.celery, project.asgi, project.wsgi) if found]
    files += [path for name in ("wsgi.py", "asgi.py", "celery.py") for path in project.tree.named(name)]
    defaults = [found for file in files if (found := default_module(project.tree, file))]
    other = next((found for found in defaults if found.value != chosen.value), None)
    if other:
        comment = f"{chosen.where} is meant for this; the default of {other.where} is {other.value}."
        yield Setting(ENVIRONMENT_VARIABLE, chosen.value, comment)
    elif not defaults:
        comment = f"{chosen.where}. Neither {project.manage} nor wsgi.py sets one."
        yield Setting(ENVIRONMENT_VARIABLE, chosen.value, comment)
