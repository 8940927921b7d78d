# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a new release of a stack into service, or tell what that would do.

Behind the module `release` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._options import BY, spec_of
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.hints import with_cure
from ansible_collections.landfall.django.plugins.module_utils._release.plan import preparation_lines
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError, Site

SPEC: dict[str, dict[str, Any]] = {
    # The host's paths: the action must not expand them on the controller.
    **spec_of(Site, required=["front_network"]),
    **BY,
    "stale": {"type": "bool", "default": False},
    "source_changed": {"type": "bool", "default": False},
    "database_image": {"type": "str", "default": ""},
    "migrations": {"type": "list", "elements": "str", "default": []},
    "database_import": {"type": "str"},
    "despite_migrations": {"type": "bool", "default": False},
    "profile": {"type": "dict", "default": {}},
}
PATHS = ("project_src", "database_import")


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    given = {**given, **{name: os.path.expanduser(os.path.expandvars(given[name] or "")) for name in PATHS}}
    try:
        release = Release(Site.of(given), Path(given["project_src"]) / "next", given["database_import"])
        return _foreseen(release, given) if check_mode else _done(release, given)
    except (DockerError, ReleaseError, HeldError, OSError, ValueError) as error:
        return {"failed": True, "msg": with_cure(str(error))}


def _foreseen(release: Release, given: dict[str, Any]) -> dict[str, Any]:
    imports = [f"import {given['database_import']} into the database"] if release.importing.is_due() else []
    if not (release.files / "compose.yaml").exists():
        lines = ["start everything: this is the first release", *imports]
        return {"changed": True, "pending": True, "plan": lines}
    plan = release.look(stale=given["stale"])
    pending = release.pending(plan)
    asked = ([],) if given["source_changed"] else release.migrations(plan, despite=given["despite_migrations"])
    prepared = preparation_lines(given["source_changed"], given["migrations"], *asked)
    foreseen = release.foreseen_database(given["database_image"])
    lines = [*imports, *prepared, *plan.lines(foreseen)]
    shown = {"prepared": "".join(f"{line}\n" for line in lines)}
    return {"changed": pending, "pending": pending, "plan": lines, "diff": shown}


def _done(release: Release, given: dict[str, Any]) -> dict[str, Any]:
    with interrupt.as_exceptions():
        record = release.run(
            given["by"] or "somebody", despite_migrations=given["despite_migrations"], profile=given["profile"]
        )
    if record is None:
        return {"changed": False, "pending": False}
    return {"changed": True, "pending": True, "release": record.as_dict(), "warnings": list(record.warnings)}
