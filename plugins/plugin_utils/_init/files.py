# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render the files of deploy/ from a plan.

Private to this collection.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.landfall.django.plugins.plugin_utils._init.environment import Setting
from ansible_collections.landfall.django.plugins.plugin_utils._init.values import Entry, Plan

FOLDER = "deploy"
PASSWORD = ".vault_password"  # noqa: S105 - the name of a file
_WIDTH = 110
_YOURS = "This file is yours to edit: landfall.django.init never overwrites it."
_HOW = (
    "The comment above a value says where it comes from. Where a variable is commented out, answer the question above"
    " it: remove the # and correct the value. The README of the role stack has all variables."
)
_CONFIGURATION = f"""\
# {_YOURS}
[defaults]
vault_password_file = {PASSWORD}
host_key_checking = true
interpreter_python = auto_silent
callback_result_format = yaml

[connection]
pipelining = true
"""
_REQUIREMENTS = f"""\
---
# {_YOURS}
# ansible-galaxy collection install -r requirements.yml
collections:
  - name: landfall.django
    version: ">=0.1.0"
"""
_IGNORED = f"""\
# The password of the vaults. Whoever else deploys needs a copy: hand it over by a safe way, not by git.
{PASSWORD}
"""


@dataclass(frozen=True)
class File:
    """A file to write, relative to deploy/."""

    path: str
    text: str
    is_secret: bool = False  # to be encrypted


def files(plan: Plan) -> list[File]:
    """Return the files of deploy/, without the vault's password. Only the first four belong to one environment."""
    environment = plan.given.environment
    variables = f"{environment}/group_vars/all"
    return [
        File(f"{environment}/hosts.yml", _hosts(plan)),
        File(f"{variables}/main.yml", _main(plan)),
        File(f"{variables}/vault.yml", _vault(plan, f"{variables}/vault.yml"), is_secret=True),
        File("ansible.cfg", _CONFIGURATION),
        File("requirements.yml", _REQUIREMENTS),
        File(".gitignore", _IGNORED),
    ]


def unanswered(plan: Plan, texts: Mapping[str, str]) -> list[str]:
    """Return what must be filled in before a deployment, as file: variables. `texts` are the files as they are now."""
    environment = plan.given.environment
    asked = {
        f"{environment}/hosts.yml": ["ansible_host"],
        f"{environment}/group_vars/all/main.yml": plan.needed,
    }
    missing = {
        path: [name for name in names if not re.search(rf"^\s*{name}:", texts.get(path, ""), re.MULTILINE)]
        for path, names in asked.items()
    }
    return [f"{FOLDER}/{path}: {', '.join(names)}" for path, names in missing.items() if names]


def _hosts(plan: Plan) -> str:
    given = plan.given
    address = _assigned("ansible_host", given.host or "203.0.113.10")
    lines = ["---", f"# {_YOURS}", "# Two stacks on one host are two entries with the same ansible_host."]
    lines += ["all:", "  hosts:", f"    {plan.name}:"]
    if given.host:
        lines += ["      # From init_host.", f"      {address[0]}"]
    else:
        question = "Which address does the host have? A name or an IP address that ssh can reach."
        lines += [f"      # {question}", f"      # {address[0]}"]
    lines += [
        "      # It logs in with a key: root, or a user with sudo.",
        f"      ansible_user: {_scalar(given.user or 'root')}",
    ]
    return "\n".join(lines) + "\n"


def _main(plan: Plan) -> str:
    lines = ["---", *_comment(_YOURS)]
    lines += _comment(_HOW)
    for title, entries in plan.sections:
        lines += ["", f"# --- {title}"]
        for entry in entries:
            lines += _entry(entry)
    plain = [setting for setting in plan.environment if not setting.is_secret]
    secret = [setting for setting in plan.environment if setting.is_secret]
    lines += _dictionary("stack_environment", "Environment variables of the project", plain)
    lines += _dictionary("stack_secrets", "Secret environment variables, from the stack and from vault.yml", secret)
    return "\n".join(lines) + "\n"


def _entry(entry: Entry) -> list[str]:
    lines = _assigned(entry.name, entry.value)
    return [*_comment(entry.comment), *([f"# {line}" for line in lines] if entry.is_open else lines)]


def _dictionary(name: str, title: str, settings: list[Setting]) -> Iterator[str]:
    if not settings:
        return
    is_open = all(setting.is_open for setting in settings)
    yield from ("", f"# --- {title}", f"# {name}:" if is_open else f"{name}:")
    for setting in settings:
        line = _assigned(setting.name, setting.value)[0]
        yield from (f"  {comment}" for comment in _comment(setting.comment))
        yield f"  # {line}" if setting.is_open else f"  {line}"


def _vault(plan: Plan, path: str) -> str:
    lines = ["---", f"# Encrypted by Ansible Vault. To edit it: ansible-vault edit {path}"]
    lines += ["# The stack's own secrets need no line here: they are generated on the host.", "# One line per secret:"]
    names = [setting.name for setting in plan.environment if setting.is_secret and setting.is_open]
    return "\n".join([*lines, *(f"# vault_{name.lower()}: its value" for name in names or ["smtp_password"])]) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)]


def _assigned(name: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}:", *(f"  {key}: {_scalar(item)}" for key, item in value.items())]
    if isinstance(value, list):
        return [f"{name}: [{', '.join(_scalar(item) for item in value)}]"]
    return [f"{name}: {_scalar(value)}"]


def _scalar(value: Any) -> str:
    """Return a value as YAML, in quotes only where it needs them."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        is_plain = yaml.safe_load(f"[{value}]") == [value]
    except yaml.YAMLError:
        is_plain = False
    return value if is_plain else json.dumps(value, ensure_ascii=False)
