# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Call a function of module_utils on a host, without a module.

A module imports AnsibleModule, which the host compiles anew in every task. This is for what needs the standard library
and module_utils only, and runs so often that the time counts, or where no Ansible runs. Private to this collection.
"""

from __future__ import annotations

import ast
import functools
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase

MODULE_UTILS = Path(__file__).resolve().parents[1] / "module_utils"
_PACKAGE = "ansible_collections.landfall.django.plugins.module_utils"
_LOAD = """
import json, linecache, sys, types
sources, function, arguments = json.loads({given!r})
for name, source in sources.items():
    sys.modules[name] = module = types.ModuleType(name)
    # Some of them send their own source on, into a container.
    module.__file__, linecache.cache[name] = name, (len(source), None, source.splitlines(True), name)
    package, _, last = name.rpartition(".")
    setattr(sys.modules.setdefault(package, types.ModuleType(package)), last, module)
    exec(compile(source, name, "exec"), module.__dict__)
"""
_CALL = "print(json.dumps(getattr(module, function)(**arguments)))\n"
_MAIN = 'if __name__ == "__main__":\n    sys.exit(getattr(module, function)(sys.argv[1:], **arguments))\n'
MANAGED = "Managed by Ansible"
# Nothing of the user's or of the host's may be imported in place of the standard library.
_OPTIONS = "-I -S"


@functools.cache
def needed(name: str) -> tuple[str, ...]:
    """Return a module of module_utils, such as _files.tree, after all of module_utils that it imports."""
    found: dict[str, None] = {}
    for one in _imported(name):
        found |= dict.fromkeys(needed(one))
    return (*found, name)


def _imported(name: str) -> list[str]:
    found = []
    for node in ast.parse(_file(name).read_text()).body:
        package = f"{getattr(node, 'module', '')}."
        if isinstance(node, ast.ImportFrom) and package.startswith(f"{_PACKAGE}."):
            inner = package[len(_PACKAGE) + 1 :]
            # A name is either a module of a package, or of a module.
            found += [inner + one.name if _file(inner + one.name).exists() else inner[:-1] for one in node.names]
    return found


def _file(name: str) -> Path:
    return MODULE_UTILS / f"{name.replace('.', '/')}.py"


def program(name: str, function: str, arguments: Mapping[str, object]) -> str:
    """Return Python code that calls `function` of a module of module_utils and prints what it returns, as JSON.

    It may import the standard library and others of module_utils.
    """
    return _load(name, function, arguments) + _CALL


def installed(name: str, arguments: Mapping[str, object]) -> str:
    """Return a program for the host that calls `main` of a module of module_utils, and exits with what it returns.

    `main` gets the words of the command line, `arguments`, and the collection's `version`. It may import what
    `program` may.
    """
    first = f"#!/usr/bin/python3 -IS\n# {MANAGED}: the next run replaces this file."
    return first + _load(name, "main", {**arguments, "version": version()}) + _MAIN


def version() -> str:
    """Return the version of this collection, installed or checked out."""
    top = MODULE_UTILS.parents[1]
    if (top / "MANIFEST.json").exists():
        return str(json.loads((top / "MANIFEST.json").read_text())["collection_info"]["version"])
    return str(yaml_load((top / "galaxy.yml").read_text())["version"])


def _load(name: str, function: str, arguments: Mapping[str, object]) -> str:
    sources = {f"{_PACKAGE}.{one}": _file(one).read_text() for one in needed(name)}
    # Vaulted values are no plain text before ansible-core 2.19.
    return _LOAD.format(given=json.dumps([sources, function, dict(arguments)], default=str))


def call(
    action: ActionBase,
    name: str,
    function: str,
    arguments: Mapping[str, object],
    task_vars: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Call `function` of a module of module_utils on the host of an action's task, with its privileges.

    Return its answer, a dictionary; if the call fails, that of a failed task. Raises AnsibleConnectionFailure where the
    host cannot be reached.
    """
    chosen = str(action._templar.template((task_vars or {}).get("ansible_python_interpreter", "")))
    python = f"{chosen if chosen.startswith('/') else 'python3'} {_OPTIONS}"
    code = program(name, function, arguments)
    if action._is_pipelining_enabled("new"):
        done = action._low_level_execute_command(f"{python} -", in_data=code.encode())
    else:
        done = action._low_level_execute_command(f"{python} -c {shlex.quote(code)}")
    if done["rc"]:
        said = (done["stderr"] or done["stdout"]).strip().splitlines()
        return {"failed": True, "msg": said[-1] if said else f"exit code {done['rc']}", "exception": "\n".join(said)}
    # Whatever the host's shell says when it starts comes before.
    return dict(json.loads(done["stdout"].splitlines()[-1]))
