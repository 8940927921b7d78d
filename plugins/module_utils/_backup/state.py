# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role says of a stack's backups, and the state of the last ones, each in a file of the folder `backups`.

Private to this collection.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._backup.keep import Keep
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace

FOLDER, SETTINGS, STATE = "backups", "settings.json", "state.json"


@dataclass(frozen=True)
class Settings:
    """The options of the role. `repository` is empty where backups stay on the host."""

    stack: str
    repository: str = ""
    keep: Keep = field(default_factory=Keep)
    copies: int = 2  # on the host, where there is a repository
    folders: tuple[str, ...] = ()  # of the user, beside those of the stack
    overdue_hours: int = 26
    scheduled: bool = True
    drill_overdue_days: int = 0  # 0: no drill is scheduled

    @classmethod
    def read(cls, root: Path) -> Settings | None:
        """Return the settings of a stack, or None where it has no backups."""
        try:
            values = json.loads((root / FOLDER / SETTINGS).read_text())
        except FileNotFoundError:
            return None
        # Ansible before 2.19 writes a number or a truth value as a text.
        numbers = {
            name: int(values[name]) for name in ("copies", "overdue_hours", "drill_overdue_days") if name in values
        }
        return cls(
            stack=values["stack"],
            repository=values.get("repository", ""),
            keep=Keep(**{name: int(count) for name, count in values.get("keep", {}).items()}),
            folders=tuple(values.get("folders", ())),
            scheduled=str(values.get("scheduled", True)) == "True",
            **numbers,
        )


@dataclass
class State:
    """How the last backup ended, and when each step last succeeded. Times are UTC in ISO 8601; empty for never."""

    began: str = ""
    ended: str = ""  # empty while it runs, or where it was killed
    error: str = ""  # of the last backup
    name: str = ""  # of the last good backup, with its time and size
    at: str = ""
    bytes: int = 0
    sent_name: str = ""  # of the last backup that the repository lists
    sent_at: str = ""
    adopted: str = ""  # snapshot of another host that this host continues
    checked_at: str = ""  # when restic last read a part of the repository, and which one
    checked_part: int = 0

    @classmethod
    def read(cls, root: Path) -> State:
        """Return the state; that of no backup where the file is missing or damaged."""
        state = cls()
        try:
            values = json.loads((root / FOLDER / STATE).read_text())
        except (OSError, ValueError):
            return state
        for one in fields(cls):
            value = values.get(one.name)
            if isinstance(value, type(getattr(state, one.name))):
                setattr(state, one.name, value)
        return state

    def write(self, root: Path) -> None:
        replace(root / FOLDER / STATE, (json.dumps(asdict(self), indent=2) + "\n").encode(), 0o600)
