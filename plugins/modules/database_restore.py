#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: database_restore
short_description: Bring a stack's database back to what a release has dumped
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Reads the dump of a release to its end, loads it into a schema beside the live one, and compares what was loaded
    with what was dumped. Only then it stops what uses the database, dumps what the database holds, replaces that, and
    starts again what it stopped.
  - The services C(db) and C(redis) go on. The host's Nginx shows its page for an unavailable site meanwhile.
  - A failure puts everything back. A restore that was killed is put in order by the next run.
  - The dump of what was there before stays, under the name in RV(restored.kept), until O(forget).
attributes:
  check_mode:
    description: Reads the dump to its end, says in RV(plan) what would be done, and changes nothing.
    support: full
  diff_mode:
    description: In check mode, shows RV(plan).
    support: partial
options:
  project_src:
    description: Folder of the stack.
    type: path
    required: true
  project_name:
    description: Name of the stack.
    type: str
    required: true
  release:
    description: Number of the release whose dump is restored. It was made before the migrations of that release.
    type: int
  kept:
    description: Instead of a release's dump, the name of what an earlier restore has kept.
    type: str
  forget:
    description: Instead of a restore, remove all that earlier ones have kept.
    type: bool
    default: false
  from_elsewhere:
    description: Whether to take a dump that another database server has made, as after a move to another host.
    type: bool
    default: false
  despite_migrations:
    description: Whether to go on where the dump has migrations that the code which serves does not know.
    type: bool
    default: false
  manage_command:
    description: How to run C(manage.py) in the project's image, to ask Django for its database. Empty to ask nobody.
    type: str
    default: python3 manage.py
  by:
    description: Who restores, for the lock.
    type: str
    default: ""
seealso:
  - module: landfall.django.release
"""

EXAMPLES = r"""
- name: Bring back what was there before the migrations of release 8
  landfall.django.database_restore:
    project_src: /srv/shop
    project_name: shop
    release: 8
"""

RETURN = r"""
plan:
  description: What would be done, in one line each.
  type: list
  elements: str
  returned: in check mode
restored:
  description: What was done.
  type: dict
  returned: after a restore
  contains:
    what:
      description: What was restored, in words.
      type: str
    schema:
      description: The live schema.
      type: str
    kept:
      description: The name of what was there before, for O(kept).
      type: str
    archive:
      description: The file that has it.
      type: str
    stopped:
      description: The containers that were stopped meanwhile.
      type: list
      elements: str
    stopped_seconds:
      description: For how long.
      type: float
    unhealthy:
      description: Those that did not become healthy again.
      type: list
      elements: str
    at:
      description: When it ended, in UTC.
      type: str
forgotten:
  description: The names of what was removed.
  type: list
  elements: str
  returned: with O(forget)
"""

import shlex
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.project import PROBE_CODE, Project, parse_answer
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore, RestoreError
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt

_PATIENCE = 300  # seconds for a release whose play was killed to come to its end on the host
_DJANGO = 300


def asked(compose: Compose, manage_command: str) -> Project:
    """Ask Django in a one-off container of the release that serves."""
    return parse_answer(
        compose.once("migrate", *shlex.split(manage_command), "shell", "-c", PROBE_CODE, timeout=_DJANGO)
    )


def look(restore: Restore, given: dict[str, Any]) -> list[str]:
    """What would be done."""
    interrupted = restore.replacement.read()
    first = [f"put the interrupted restore of {interrupted.what} in order"] if interrupted else []
    if given["forget"]:
        return [*first, *(f"remove {restore.replacement.archive(name)}" for name in restore.kept_names())]
    return first + restore.check(found(restore, given), given["despite_migrations"])


def act(restore: Restore, given: dict[str, Any]) -> dict[str, Any]:
    """Do it, and return the result."""
    resumed = restore.resume()
    if given["forget"]:
        names = restore.remove_kept()
        return {"changed": bool(names or resumed), "forgotten": names}
    what = given["kept"] or f"release {given['release']}"
    if resumed and resumed["what"] == what:
        return {"changed": True, "restored": resumed}
    dump = found(restore, given)
    restore.check(dump, given["despite_migrations"])
    return {"changed": True, "restored": restore.run(dump, what)}


def found(restore: Restore, given: dict[str, Any]) -> Dump:
    """The dump that is asked for, proven."""
    if given["kept"]:
        return restore.from_kept(given["kept"], given["from_elsewhere"])
    return restore.from_release(given["release"], given["from_elsewhere"])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "project_name": {"type": "str", "required": True},
            "release": {"type": "int"},
            "kept": {"type": "str"},
            "forget": {"type": "bool", "default": False},
            "from_elsewhere": {"type": "bool", "default": False},
            "despite_migrations": {"type": "bool", "default": False},
            "manage_command": {"type": "str", "default": "python3 manage.py"},
            "by": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    root = Path(given["project_src"])
    if sum([given["release"] is not None, bool(given["kept"]), given["forget"]]) != 1:
        module.fail_json(msg="set one of restore_release, restore_kept and restore_forget")
    if not (root / "compose.yaml").exists():
        module.fail_json(msg=f"there is no stack in {root}: set stack_name, or stack_root, to one that is deployed")
    compose = Compose(str(root), given["project_name"])
    server = Server(["docker", "compose", "--project-directory", str(root)])
    ask = (lambda: asked(compose, given["manage_command"])) if given["manage_command"] else None
    restore = Restore(root, server, Writers(compose), ask)
    result: dict[str, Any]
    try:
        if module.check_mode:
            plan = look(restore, given)
            shown = {"prepared": "".join(f"{line}\n" for line in plan)}
            result = {"changed": bool(plan), "plan": plan, "diff": shown}
        else:
            with lock.held(root / ".lock", given["by"] or "somebody", patience=_PATIENCE), interrupt.as_exceptions():
                result = act(restore, given)
    except (ArchiveError, DockerError, RestoreError, HeldError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    for warning in restore.warnings:
        module.warn(warning)
    if result.get("restored", {}).get("unhealthy"):
        module.fail_json(msg=restore.warnings[-1], **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
