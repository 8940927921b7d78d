# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide what each of a stack's secrets is: given by the user, kept on the host, or made now.

Private to this collection.
"""

from __future__ import annotations

import secrets

# 48 random bytes are 64 characters of [A-Za-z0-9_-]: above Django's 50 for SECRET_KEY, and free of the quotes and
# backslashes that the MySQL image would paste unescaped into SQL.
_BYTES = 48


def settle(given: dict[str, str], kept: dict[str, str] | None, fixed: list[str]) -> dict[str, str]:
    """Return the value of every secret named in `given`.

    An empty value in `given` means: keep the one there is, else make one. `kept` is what the host holds, None before
    the first run. A `fixed` secret is stored in a data volume as well, so it can be neither changed nor made anew
    here once there is a file: that raises ValueError with one sentence for each.
    """
    problems = []
    values = {}
    for name, value in given.items():
        present = (kept or {}).get(name, "")
        if kept is not None and name in fixed:
            if not present and not value:
                problems.append(f"{name} is gone from the file, but the data volume was made with it: put it back")
            elif present and value and value != present:
                problems.append(
                    f"{name} differs from the one the data volume was made with: change it in the server first,"
                    " then in the file, or take the variable out of the inventory to keep the present one"
                )
        values[name] = value or present or secrets.token_urlsafe(_BYTES)
    if problems:
        raise ValueError("; ".join(problems))
    return values
