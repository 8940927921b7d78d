# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take the user and the token out of a repository's address, for git to get them in another way.

Git repeats its address on command lines that everybody on the host can read, in messages and in its configuration.

Private to this collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# A user in an address of ssh is no secret.
_WITH_USER = re.compile(r"(https?://)([^/]*)@([^/@]+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Repository:
    """`url` without credentials; `credentials` as git's helpers print them, for the `server` alone."""

    url: str
    server: str = ""
    credentials: str = ""


def repository(address: str) -> Repository:
    """Raises ValueError where the user or the token has a line break, which git cannot be told."""
    found = _WITH_USER.fullmatch(address)
    if not found:
        return Repository(address)
    scheme, given, host, path = found.groups()
    user, _colon, token = (unquote(part) for part in given.partition(":"))
    if re.search(r"[\r\n\0]", user + token):
        raise ValueError("stack_git_repository: its user or token has a line break: remove it")
    return Repository(f"{scheme}{host}{path}", f"{scheme}{host}", f"username={user}\npassword={token}\n")
