# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Separate the user and the token from a repository's URL, so that git gets them from a credential helper.

Git shows its URL on command lines that every user of the host can read, in messages and in its configuration.

Private to this collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# The user in an ssh URL is not secret.
_WITH_USER = re.compile(r"(https?://)([^/]*)@([^/@]+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Repository:
    """`url` without credentials; `credentials` in the format of git's helpers, valid for `server` only."""

    url: str
    server: str = ""
    credentials: str = ""


def repository(address: str) -> Repository:
    """Split a repository's URL. Raises ValueError where the user or token has a line break, which git cannot read."""
    found = _WITH_USER.fullmatch(address)
    if not found:
        return Repository(address)
    scheme, given, host, path = found.groups()
    user, _colon, token = (unquote(part) for part in given.partition(":"))
    if re.search(r"[\r\n\0]", user + token):
        raise ValueError("stack_git_repository: its user or token has a line break: remove it")
    return Repository(f"{scheme}{host}{path}", f"{scheme}{host}", f"username={user}\npassword={token}\n")
