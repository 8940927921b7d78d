# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of one attempt at a release. Each state is on the disk before the step that it names begins.

Private to this collection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._files.lock import now
from ansible_collections.landfall.django.plugins.module_utils._files.replace import replace
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

FILE = "record.json"
# Increase it when the meaning of a field changes. A new field needs a default only.
FORMAT = 1

# In order; the last two are final. Any other one in a record was about to happen, or in progress, at that moment.
BEGUN, UPGRADING, SERVICES, IMPORTING, CHECKING, DUMPING, MIGRATING, STARTING, SWITCHING, SERVING, FAILED = STATES = (
    "begun",
    "upgrading the database",
    "starting services",
    "importing the database",
    "checking",
    "dumping",
    "migrating",
    "starting",
    "switching",
    "serving",
    "failed",
)
# Types of fields whose default does not have them.
_KINDS: dict[str, Any] = {"applied": list, "seconds": (int, float)}
UNREADABLE = "unreadable"  # state of a record that cannot be read; never written


@dataclass
class Record:
    """One attempt. Times are UTC in ISO 8601, durations in seconds."""

    release: int
    state: str = BEGUN
    reached: str = BEGUN
    by: str = ""
    at: str = ""
    ended: str = ""
    # The first line; the complete message is in the file `log` beside the record.
    error: str = ""
    rollback_to: int = 0
    site: dict[str, Any] = field(default_factory=dict)
    # What the project's settings said before it began.
    profile: dict[str, Any] = field(default_factory=dict)
    # The migrations that this attempt applied, and all that the database had when it began to serve. None where Django
    # was not asked.
    migrations: list[str] = field(default_factory=list)
    applied: list[str] | None = None
    # Whether migrations were to run although stack_migrations refuses them.
    despite_migrations: bool = False
    dump: str = ""
    # The versions of the database where it was upgraded, and whether it stays so if the release fails.
    upgraded: str = ""
    upgrade_is_final: bool = False
    # The file whose data is in the database since this attempt, and whether it stays there if the release fails. Where
    # it is neither final nor undone, the database may hold a part of it.
    imported: dict[str, Any] = field(default_factory=dict)
    import_is_final: bool = False
    requeued: list[str] = field(default_factory=list)
    proof: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def image(self) -> str:
        return str(self.site.get("image", "-"))

    @property
    def is_over(self) -> bool:
        """Whether it has ended, successfully or not."""
        return self.state in (SERVING, FAILED, UNREADABLE)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(folder: Path) -> Record:
    """Read the record in a release's folder; an unreadable one has the state UNREADABLE.

    Raises ValueError where a newer version of the collection wrote it.
    """
    try:
        values = json.loads((folder / FILE).read_text())
        written = int(values.pop("format"))
    except FileNotFoundError:  # interrupted before it was written
        return Record(int(folder.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Record(int(folder.name), state=UNREADABLE, error=f"{folder / FILE}: {error}")
    if written > FORMAT:
        raise ValueError(
            f"{folder / FILE} was written by a newer version of landfall.django (format {written}, this one knows"
            f" {FORMAT}): use that version"
        )
    record = Record(int(folder.name))
    for one in fields(Record):
        value, default = values.get(one.name), getattr(record, one.name)
        # The number is the folder's name. Missing values and values of another type keep their defaults.
        if one.name != "release" and isinstance(value, _KINDS.get(one.name, type(default))):
            setattr(record, one.name, value)
    if record.state not in STATES or (record.state == SERVING and not Site.is_whole(record.site)):
        return Record(record.release, state=UNREADABLE, error=f"{folder / FILE}: the release's options are missing")
    return record


class Journal:
    """Writes the record of an attempt in progress."""

    def __init__(self, folder: Path, record: Record):
        self.folder = folder
        self.record = record
        self._began = time.monotonic()

    def enter(self, state: str) -> None:
        """Record the state that begins now."""
        self.record.state = self.record.reached = state
        self.save()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Record the duration of a step, if it succeeds."""
        begin = time.monotonic()
        yield
        self.record.steps.append({"step": what, "seconds": round(time.monotonic() - begin, 2)})

    def fail(self, message: str) -> None:
        """Record that the attempt failed and was undone, with its message."""
        self.record.state = FAILED
        self.record.error = message.splitlines()[0] if message else ""
        replace(self.folder / "log", f"{message}\n".encode(), 0o600)
        self.end()

    def end(self) -> None:
        """Record the end of the attempt."""
        self.record.ended = now()
        self.record.seconds = round(time.monotonic() - self._began, 2)
        self.save()

    def save(self) -> None:
        text = json.dumps({"format": FORMAT, **self.record.as_dict()}, indent=2) + "\n"
        replace(self.folder / FILE, text.encode(), 0o600)
