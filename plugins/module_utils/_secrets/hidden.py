# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep secret values inside a module's argument out of the host's journal and out of the module's result.

Ansible logs a module's arguments as Python prints them. A secret inside a list or dictionary is then escaped, so that
Ansible does not find and hide it. So such an argument is `no_log` as a whole. But then Ansible hides every value of it
in the result, even a path. `parts` leaves only the secret values to be hidden.

Private to this collection.
"""

from __future__ import annotations

import copy
from typing import Any

HIDDEN = "(hidden)"


def parts(module: Any, argument: str, key: str, where: str = "") -> list[dict[str, Any]]:
    """Return a copy of a no_log list of dictionaries, with its secrets.

    Afterwards the module's result hides only the value of `key`, in every dictionary or in those where `where` is true.
    """
    given = copy.deepcopy(module.params[argument])
    for part in module.params[argument]:
        if part.get(key) is not None and (not where or part[where]):
            part[key] = HIDDEN
    module.no_log_values.clear()
    return given


def texts(module: Any, argument: str) -> dict[str, str]:
    """Return the values of a no_log dictionary as texts, with nothing for None.

    Afterwards the module's result hides them here, and no equal word anywhere else.
    """
    given = module.params[argument]
    found = {name: "" if value is None else str(value) for name, value in given.items()}
    module.params[argument] = dict.fromkeys(given, HIDDEN)
    module.no_log_values.difference_update(found.values())
    return found
