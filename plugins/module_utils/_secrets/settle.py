# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settle the secrets of a stack: given, kept from an earlier run, or generated.

Behind the module `secret_store` and its action. Private to this collection.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._docker import volumes
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._secrets.store import (
    FILES,
    OWNERS,
    Store,
    parse_owners,
    resolve,
)

SPEC: dict[str, dict[str, Any]] = {
    # The host's path: the action must not expand it on the controller.
    "path": {"type": "str", "required": True},
    "given": {"type": "dict", "required": True},
    **_options.OWNERS,
    "database_user": {"type": "str", "default": ""},
    "project_name": {"type": "str", "default": ""},
}


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC, which holds the secrets."""
    secrets, name = given["given"], given["project_name"]
    if unknown := sorted(set(secrets) - set(FILES)):
        return {"failed": True, "msg": f"given: {', '.join(unknown)} is not a secret. Use {', '.join(FILES)}."}
    store = Store(Path(os.path.expanduser(os.path.expandvars(given["path"]))), OWNERS)
    try:
        wanted = parse_owners(given["owners"])
        store.owners = volumes.owners(Compose(str(store.folder.parent), name), wanted) if name else wanted
        kept = store.read() or _nothing_kept(name)
        values = resolve(secrets, kept, given["database_user"])
        changed = [] if check_mode else store.write(values)
        return {
            "changed": bool(changed),
            "secrets": {**values, "stack_secret_key_fallbacks": store.fallbacks()},
        }
    except (OSError, ValueError, DockerError) as error:
        return {"failed": True, "msg": f"{store.folder}: {error}"}


def _nothing_kept(project: str) -> dict[str, str] | None:
    """Return None on a first run, and an empty dictionary where the folder of an existing stack is lost."""
    if project and docker("volume", "ls", "--quiet", "--filter", f"name=^{project}_db-data$").strip():
        return {}
    return None
