# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the secret parts of a module's argument out of the host's journal and out of the module's result.

Ansible writes a module's arguments into the journal as Python prints them. What is secret inside a list or dictionary
is then escaped, not found, and written. So such an argument is `no_log` as a whole; but of that every part is hidden,
in the result too, which then cannot even name a path. Hence the two steps together.

Private to this collection.
"""

from __future__ import annotations

import copy
from typing import Any

HIDDEN = "(hidden)"


def parts(module: Any, argument: str, key: str, where: str = "") -> list[dict[str, Any]]:
    """The parts of a no_log list of dictionaries, with their secrets.

    From here on the module's result hides `key` of each part, or of those where `where` is true, and nothing else.
    """
    given = copy.deepcopy(module.params[argument])
    for part in module.params[argument]:
        if part.get(key) is not None and (not where or part[where]):
            part[key] = HIDDEN
    module.no_log_values.clear()
    return given
