# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Redis's list of users: the project, who works with data, and one who has the list read again.

Private to this collection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

ADMINISTRATOR = "landfall"

# What Celery, kombu, Django's and django-redis's cache, channels-redis, RQ, Huey and Dramatiq ask for. All that reads
# and writes data of this Redis, in scripts too. Left out is what reaches beyond the data (CONFIG, MODULE, REPLICAOF,
# MIGRATE, DEBUG, SHUTDOWN, SAVE), what outlives a change of the password (ACL, FUNCTION), what takes raw memory
# (RESTORE), what listens to everybody (MONITOR), and what empties the queue with the cache (FLUSHALL).
_DATA = ("@read", "@write", "@connection", "@transaction", "@pubsub", "time")
_SCRIPTS = ("eval", "eval_ro", "evalsha", "evalsha_ro", "script|load", "script|exists", "script|kill")
# Dangerous in Redis's words since they are slow, or tell of other clients. Libraries use them all the same.
_USED = ("keys", "sort", "sort_ro", "flushdb", "info", "client|list")


def acl(passwords: Iterable[str], administrator: str) -> str:
    """The list. The project comes as `default` with any of its passwords; of all there are digests only.

    The administrator can do nothing but have Redis read the list again, which only root writes.
    """
    digests = " ".join(f"#{digest(password)}" for password in dict.fromkeys(passwords))
    commands = " ".join(["-@all", *_allowed((*_DATA, *_SCRIPTS)), "-@dangerous", "-function", *_allowed(_USED)])
    return (
        f"user default on {digests} ~* &* {commands}\n"
        f"user {ADMINISTRATOR} on #{digest(administrator)} resetkeys resetchannels -@all +acl|load\n"
    )


def _allowed(names: Iterable[str]) -> list[str]:
    return [f"+{name}" for name in names]


def digest(password: str) -> str:
    """What Redis keeps of a password."""
    return hashlib.sha256(password.encode()).hexdigest()
