# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Call a function of module_utils on a host, without a module.

A module imports AnsibleModule, which the host compiles anew in every task. This is for what needs the standard library
only, and runs so often that the time counts. Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MODULE_UTILS = Path(__file__).resolve().parents[1] / "module_utils"
_PACKAGE = "ansible_collections.landfall.django.plugins.module_utils"
_PROGRAM = """
import json, sys, types
sources, function, arguments = json.loads({given!r})
for name, source in sources.items():
    sys.modules[name] = module = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
print(json.dumps(getattr(module, function)(**arguments)))
"""
# Nothing of the user's or of the host's may be imported in place of the standard library.
OPTIONS = "-I -S"


def program(modules: Sequence[str], function: str, arguments: Mapping[str, object]) -> str:
    """Return Python code that calls `function` of the last of these modules and prints what it returns, as JSON.

    Each module may import the standard library and those before it.
    """
    sources = {f"{_PACKAGE}.{name}": (MODULE_UTILS / f"{name.replace('.', '/')}.py").read_text() for name in modules}
    return _PROGRAM.format(given=json.dumps([sources, function, dict(arguments)]))


def answer(output: str) -> dict[str, Any]:
    """Return what the function returned, from what the program printed."""
    return dict(json.loads(output.splitlines()[-1]))
