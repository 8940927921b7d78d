# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Send a backup to the repository, and believe only what the repository lists.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep, kept
from ansible_collections.landfall.django.plugins.module_utils._backup.manifest import (
    FILE,
    BackupError,
    Manifest,
    different,
)
from ansible_collections.landfall.django.plugins.module_utils._backup.restic import Repository, Snapshot
from ansible_collections.landfall.django.plugins.module_utils._backup.state import State

# Each week restic reads one of so many parts of the data.
_PARTS, _CHECK_AFTER = 8, timedelta(days=7)


def newest(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """Return the newest backup of any stack."""
    return next((one for one in reversed(snapshots) if one.stack), None)


def refusal(snapshots: Sequence[Snapshot], stack: str, host: str, servers: Collection[str], adopted: str) -> str:
    """Return why this host must not back up into a repository; empty where it may. Pure.

    `servers` are the ids under which its database has been known; none where they are not known. `adopted` is the
    snapshot of other data that this host restored, or was told to continue.
    """
    if others := sorted({one.stack for one in snapshots if one.stack} - {stack}):
        return (
            f"backup_repository has backups of another stack ({', '.join(others)}): set it to a repository of its own"
            f" for {stack}"
        )
    last = newest(snapshots)
    if last is None or last.id == adopted:
        return ""
    if last.host != host:
        what = f"is of another host, {last.hostname}: only one may use a repository"
    elif last.server and servers and last.server not in servers:
        what = "is of another database: this stack's was created again since"
    else:
        return ""
    return (
        f"the newest backup in backup_repository ({last.name}) {what}. To continue with this host's data, restore that"
        " backup first, or run the playbook landfall.django.backup with backup_take_over=true. Otherwise set"
        " backup_repository to an empty place"
    )


def send(repository: Repository, folder: Path, made: Manifest, former: Sequence[Snapshot]) -> list[Snapshot]:
    """Store a complete backup and the folders beside it. Return what the repository lists now; it listed `former`.

    Raises BackupError where the listing lacks any file of the backup, or has it with another size.
    """
    parent = newest(former)
    repository.backup([folder, *(one["path"] for one in made.folders)], made, parent.id if parent else "")
    listed = repository.snapshots()
    found = find(listed, made)
    if not found:
        raise BackupError(f"restic reported success, but the repository does not list the backup {made.name}")
    wanted = {FILE: (folder / FILE).stat().st_size, **{name: part["bytes"] for name, part in made.parts.items()}}
    if wrong := different(repository.sizes(found.id, folder), wanted):
        raise BackupError(f"the backup {made.name} in the repository differs from the host's in {', '.join(wrong)}")
    return listed


def find(listed: Sequence[Snapshot], made: Manifest) -> Snapshot | None:
    """Return the newest snapshot of a backup."""
    return next((one for one in reversed(listed) if (one.name, one.host) == (made.name, made.host)), None)


def tidy(repository: Repository, listed: Sequence[Snapshot], keep: Keep, just_made: str) -> list[str]:
    """Forget the backups that are no longer kept, after `just_made` arrived. Return their names."""
    mine = [one for one in listed if one.stack]
    staying = kept([one.name for one in mine], keep, just_made)
    going = [one for one in mine if one.name not in staying]
    repository.forget([one.id for one in going])
    return [one.name for one in going]


def maintain(repository: Repository, state: State, now: datetime) -> bool:
    """Once a week, check the repository and a part of its data, then free what was forgotten. Return whether it did.

    Raises BackupError where it is damaged; nothing is freed then.
    """
    if state.checked_at and timedelta() <= now - datetime.fromisoformat(state.checked_at) < _CHECK_AFTER:
        return False
    part = state.checked_part % _PARTS + 1
    repository.check(part, _PARTS)
    state.checked_part, state.checked_at = part, now.astimezone(timezone.utc).isoformat(timespec="seconds")
    repository.prune()
    return True
