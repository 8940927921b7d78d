#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: database_restore
short_description: Restore a stack's database from the dump of a release
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Verifies the dump of a release, loads it into a second schema, and compares the result with the dump. Only then it
    stops the containers that use the database, dumps the present data, replaces it, and starts the containers again.
  - The services C(db) and C(redis) keep running. Meanwhile the host's Nginx shows its page for an unavailable site.
  - Where the restore fails, the present data is put back. The next run completes or rolls back a restore that was
    killed.
  - The dump of the former data stays, under the name in RV(restored.kept), until O(forget).
  - In check mode the dump is verified too.
extends_documentation_fragment:
  - landfall.django._attributes.plan
  - landfall.django._project
  - landfall.django._project.name
  - landfall.django._project.manage
  - landfall.django._project.by
options:
  release:
    description: Number of the release whose dump is restored. It was made before the migrations of that release.
    type: int
  kept:
    description: Name of a dump that an earlier restore kept, to restore it instead of a release's dump.
    type: str
  forget:
    description: Whether to remove what earlier restores and upgrades of the database kept, instead of restoring a dump.
    type: bool
    default: false
  from_elsewhere:
    description: Whether to accept a dump of another database server, such as after a move to another host.
    type: bool
    default: false
  despite_migrations:
    description: Whether to restore although the dump has migrations that the running code does not know.
    type: bool
    default: false
seealso:
  - module: landfall.django.release
"""

EXAMPLES = r"""
- name: Restore the data from before the migrations of release 8
  landfall.django.database_restore:
    project_src: /srv/shop
    project_name: shop
    release: 8
"""

RETURN = r"""
plan:
  description: The steps that would be done, one per line.
  type: list
  elements: str
  returned: in check mode
restored:
  description: The restore.
  type: dict
  returned: after a restore
  contains:
    what:
      description: What was restored, in words.
      type: str
    schema:
      description: The schema that was replaced.
      type: str
    kept:
      description: Name of the dump of the former data, for O(kept).
      type: str
    archive:
      description: Path of that dump.
      type: str
    stopped:
      description: The containers that were stopped during the restore.
      type: list
      elements: str
    stopped_seconds:
      description: Seconds from their stop until visitors reached the site again.
      type: float
    unhealthy:
      description: Those of them that did not become healthy again, or C(the site behind Nginx).
      type: list
      elements: str
    at:
      description: Time at which it ended, in UTC.
      type: str
forgotten:
  description: The names of the dumps and volumes that were removed.
  type: list
  elements: str
  returned: with O(forget)
"""

import shlex
from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._database.archive import ArchiveError, Dump
from ansible_collections.landfall.django.plugins.module_utils._database.engines import DEFAULT, by_name
from ansible_collections.landfall.django.plugins.module_utils._database.project import PROBE_CODE, Project, parse_answer
from ansible_collections.landfall.django.plugins.module_utils._database.restore import Restore, RestoreError
from ansible_collections.landfall.django.plugins.module_utils._database.server import Server
from ansible_collections.landfall.django.plugins.module_utils._database.upgrade import interrupted_upgrade
from ansible_collections.landfall.django.plugins.module_utils._database.volume import Volume
from ansible_collections.landfall.django.plugins.module_utils._database.writers import Writers
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError
from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._files import lock
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release import health, interrupt, ledger
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

_LOCK_TIMEOUT = 300  # seconds for a release whose play was killed to end on the host
_DJANGO_TIMEOUT = 300  # seconds for manage.py to answer


def read_project(compose: Compose, manage_command: str) -> Project:
    """Ask Django for its database, in a one-off container of the release that serves."""
    command = (*shlex.split(manage_command), "shell", "-c", PROBE_CODE)
    return parse_answer(compose.once("migrate", *command, timeout=_DJANGO_TIMEOUT))


def restore_of(root: Path, given: dict[str, Any]) -> Restore:
    """Return the restore of the stack in `root`. Raises ValueError where a newer version wrote its ledger."""
    compose = Compose(str(root), given["project_name"])
    record = ledger.serving(ledger.Ledger(str(root)).read())
    site = Site.of(record.site) if record else None
    # The release that serves may have found its manage.py by itself.
    command = site.manage_command if site else given["manage_command"]
    ask = partial(read_project, compose, command) if command else None
    if site and (site.database_external or not site.database):
        raise ValueError(f"the database of {root} is not the stack's own: restore it with the means of its server")
    engine = by_name(site.database if site else DEFAULT)
    server = Server(["docker", "compose", "--project-directory", str(root)], engine)
    return Restore(root, server, Writers(compose), ask, partial(visitor_problem, site))


def visitor_problem(site: Site | None) -> str:
    """Wait until visitors reach the release that serves. Return what is wrong; empty where this front is not in use."""
    if site is None or not site.front_root:
        return ""
    return health.wait_for_visitors(site.front_port, site.host, site.health_path)


def refuse_interrupted_upgrade(root: Path) -> None:
    """Raise RestoreError where the data may not be where the server looks for it."""
    if why := interrupted_upgrade(root):
        raise RestoreError(why)


def plan_of(restore: Restore, given: dict[str, Any]) -> list[str]:
    """Return the steps that would be done."""
    refuse_interrupted_upgrade(restore.root)
    interrupted = restore.replacement.read()
    first = [f"complete or roll back the interrupted restore of {interrupted.what}"] if interrupted else []
    if given["forget"]:
        kept = [str(restore.replacement.archive(name)) for name in restore.kept_names()]
        kept += [f"the volume {name}" for name in Volume(given["project_name"]).former()]
        return [*first, *(f"remove {name}" for name in kept)]
    return first + restore.check(chosen_dump(restore, given), given["despite_migrations"])


def run(restore: Restore, given: dict[str, Any]) -> dict[str, Any]:
    """Run the restore, and return the module's result."""
    refuse_interrupted_upgrade(restore.root)
    resumed = restore.resume()
    if given["forget"]:
        names = [*restore.remove_kept(), *remove_former(Volume(given["project_name"]))]
        return {"changed": bool(names or resumed), "forgotten": names}
    what = given["kept"] or f"release {given['release']}"
    if resumed and resumed["what"] == what:
        return {"changed": True, "restored": resumed}
    dump = chosen_dump(restore, given)
    restore.check(dump, given["despite_migrations"])
    return {"changed": True, "restored": restore.run(dump, what)}


def remove_former(volume: Volume) -> list[str]:
    """Remove the data that upgrades of the database kept. Return the names of its volumes."""
    names = volume.former()
    for name in names:
        volume.remove(name)
    return names


def chosen_dump(restore: Restore, given: dict[str, Any]) -> Dump:
    """Return the dump that the options name, verified."""
    if given["kept"]:
        return restore.from_kept(given["kept"], given["from_elsewhere"])
    return restore.from_release(given["release"], given["from_elsewhere"])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.PROJECT,
            **_options.NAME,
            **_options.MANAGE,
            **_options.BY,
            "release": {"type": "int"},
            "kept": {"type": "str"},
            "forget": {"type": "bool", "default": False},
            "from_elsewhere": {"type": "bool", "default": False},
            "despite_migrations": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    root = Path(given["project_src"])
    if sum([given["release"] is not None, bool(given["kept"]), given["forget"]]) != 1:
        module.fail_json(msg="Set exactly one of restore_release, restore_kept and restore_forget.")
    if not (root / "compose.yaml").exists():
        module.fail_json(msg=f"{root} has no compose.yaml: set stack_name or stack_root to a stack that is deployed.")
    result: dict[str, Any]
    try:
        restore = restore_of(root, given)
        if module.check_mode:
            plan = plan_of(restore, given)
            shown = {"prepared": "".join(f"{line}\n" for line in plan)}
            result = {"changed": bool(plan), "plan": plan, "diff": shown}
        else:
            with (
                lock.held(root / ".lock", given["by"] or "an unknown user", patience=_LOCK_TIMEOUT),
                interrupt.as_exceptions(),
            ):
                result = run(restore, given)
    except (ArchiveError, DockerError, RestoreError, HeldError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    for warning in restore.warnings:
        module.warn(warning)
    if result.get("restored", {}).get("unhealthy"):
        module.fail_json(msg=restore.warnings[-1], **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
