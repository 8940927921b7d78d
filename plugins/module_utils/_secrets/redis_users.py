# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Redis's list of users (ACL file) and login: the project, and an administrator who can only reload the list.

Private to this collection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

ADMINISTRATOR = "landfall"
# Printed by the client where the password is wrong, or where the user has no right to the command.
ACCESS_DENIED = ("WRONGPASS", "NOPERM")
_LOGIN = 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli -e --user "$0"'

# The commands of Celery, kombu, the caches of Django and django-redis, channels-redis, RQ, Huey and Dramatiq: all that
# read and write data, also in scripts. Not allowed are commands that reach beyond the data (CONFIG, MODULE, REPLICAOF,
# MIGRATE, DEBUG, SHUTDOWN, SAVE), whose effect survives a password change (ACL, FUNCTION), that load raw memory
# (RESTORE), that see all clients' commands (MONITOR), or that empty the queue together with the cache (FLUSHALL).
_DATA = ("@read", "@write", "@connection", "@transaction", "@pubsub", "time")
_SCRIPTS = ("eval", "eval_ro", "evalsha", "evalsha_ro", "script|load", "script|exists", "script|kill")
# Redis calls these dangerous, because they are slow or show other clients; libraries use them.
_USED = ("keys", "sort", "sort_ro", "flushdb", "info", "client|list")


def acl(passwords: Iterable[str], administrator: str) -> str:
    """Return the content of the ACL file, which has digests of the passwords only.

    The project logs in as `default` with any of its passwords. The administrator can only reload the file, which only
    root can write.
    """
    digests = " ".join(f"#{digest(password)}" for password in dict.fromkeys(passwords))
    commands = " ".join(["-@all", *_allowed((*_DATA, *_SCRIPTS)), "-@dangerous", "-function", *_allowed(_USED)])
    return (
        f"user default on {digests} ~* &* {commands}\n"
        f"user {ADMINISTRATOR} on #{digest(administrator)} resetkeys resetchannels -@all +acl|load\n"
    )


def login_command(user: str) -> list[str]:
    """A client of this user that reads the password from the first line of its input, then commands."""
    return ["exec", "-T", "redis", "sh", "-c", _LOGIN, user]


def _allowed(names: Iterable[str]) -> list[str]:
    return [f"+{name}" for name in names]


def digest(password: str) -> str:
    """Return the digest of a password as Redis stores it."""
    return hashlib.sha256(password.encode()).hexdigest()
