# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a kept release of a stack into service again, or tell what that would do.

Behind the module `rollback` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt, ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError

SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "project_src": {"type": "str", "required": True},
    **_options.BY,
    "release": {"type": "int"},
    "despite_migrations": {"type": "bool", "default": False},
}


def prepare(root: str, number: int | None) -> tuple[Record, Release]:
    """Return the record of the release to roll back to, and that release.

    Raises ReleaseError or LookupError where it cannot be rolled back to.
    """
    book = ledger.Ledger(root)
    records = book.read()
    target = ledger.origin(records, ledger.by_number(records, number) if number else ledger.previous(records))
    site = book.site(target)
    if not docker("image", "ls", "--quiet", site.image).strip():
        raise ReleaseError(
            f"the image {site.image} of release {target.release} is no longer on the host: deploy its code again"
        )
    return target, Release(site, book.folder(target.release))


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    try:
        root = os.path.expanduser(os.path.expandvars(given["project_src"]))
        target, release = prepare(root, given["release"])
        number = target.release

        def allow() -> None:
            if not given["despite_migrations"]:
                release.refuse_unknown_migrations(target)

        if check_mode:
            allow()
            plan = release.look()
            lines = plan.lines()
            shown = {"prepared": "".join(f"{line}\n" for line in lines)}
            return {"changed": release.pending(plan), "to": number, "plan": lines, "diff": shown}
        with interrupt.as_exceptions():
            record = release.run(
                given["by"] or "an unknown user", rollback_to=number, allow=allow, profile=target.profile
            )
    except (DockerError, ReleaseError, HeldError, LookupError, OSError, ValueError) as error:
        return {"failed": True, "msg": str(error.args[0] if isinstance(error, LookupError) else error)}
    if record is None:
        return {"changed": False, "to": number}
    return {"changed": True, "to": number, "release": record.as_dict(), "warnings": list(record.warnings)}
