#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Bring an earlier release of a stack back into service
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Takes a release that the ledger has kept, with its image, its settings and its static files, and brings it into
    service as M(landfall.django.rollout) does, without building, pulling or migrating anything.
  - The database stays as it is. Where releases after that one have migrated it, the module refuses and names the
    migrations, since the earlier code may not know the tables of today.
attributes:
  check_mode:
    description: Says in RV(plan) what would be started and stopped, and changes nothing.
    support: full
  diff_mode:
    description: In check mode, shows RV(plan).
    support: partial
options:
  project_src:
    description: Folder of the stack.
    type: path
    required: true
  release:
    description: Number of the release. By default the one before the code that serves now.
    type: int
  despite_migrations:
    description: Whether to go on where later releases have migrated the database.
    type: bool
    default: false
  by:
    description: Who goes back, for the ledger and the lock.
    type: str
    default: ""
seealso:
  - module: landfall.django.rollout
"""

EXAMPLES = r"""
- name: Go back to the release before
  landfall.django.rollback:
    project_src: /srv/shop

- name: Go back to a certain one
  landfall.django.rollback:
    project_src: /srv/shop
    release: 7
"""

RETURN = r"""
to:
  description: The number of the release that serves now.
  type: int
  returned: success
plan:
  description: One line for each container that would be started or stopped.
  type: list
  elements: str
  returned: in check mode
release:
  description: The new entry of the ledger, as M(landfall.django.rollout) returns it.
  type: dict
  returned: when something was done
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _interrupt, _ledger
from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._site import RolloutError, Site


def prepare(root: str, number: int | None, despite_migrations: bool) -> tuple[int, Release]:
    """Find the release to go back to. Raises RolloutError or LookupError where that cannot be done."""
    ledger = _ledger.Ledger(root)
    entries = ledger.read()
    target = _ledger.origin(entries, _ledger.by_number(entries, number) if number else _ledger.previous(entries))
    found = int(target["release"])
    later = _ledger.migrated_since(entries, found)
    if later and not despite_migrations:
        raise RolloutError(
            f"releases after {found} have migrated the database ({', '.join(later)}), and the code of {found} may not"
            " know its tables: nothing was changed. Set rollback_despite_migrations to true if it can live with them"
        )
    site = Site.of(ledger.options(found))
    if not docker("image", "ls", "--quiet", site.image).strip():
        raise RolloutError(f"the image {site.image} of release {found} is not on the host any more: deploy it instead")
    return found, Release(site, ledger.folder(found))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "release": {"type": "int"},
            "despite_migrations": {"type": "bool", "default": False},
            "by": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        number, release = prepare(given["project_src"], given["release"], given["despite_migrations"])
        if module.check_mode:
            plan = release.look()
            lines = plan.lines()
            shown = {"prepared": "".join(f"{line}\n" for line in lines)}
            module.exit_json(changed=release.pending(plan), to=number, plan=lines, diff=shown)
        with _interrupt.as_exceptions():
            entry = release.run(given["by"] or "somebody", rollback_to=number)
    except (DockerError, RolloutError, HeldError, LookupError, OSError) as error:
        module.fail_json(msg=str(error.args[0] if isinstance(error, LookupError) else error))
    for warning in release.warnings:
        module.warn(warning)
    module.exit_json(changed=entry is not None, to=number, **({"release": entry} if entry else {}))


if __name__ == "__main__":
    main()
