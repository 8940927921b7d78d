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
    service as M(landfall.django.release) does, without building, pulling or migrating anything.
  - The database stays as it is. Where it has migrations that the earlier code does not know, the module refuses and
    names them, since that code may not work with the tables of today. The database is asked, whoever migrated it.
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
    description: Whether to go on where the database has migrations that the release does not know.
    type: bool
    default: false
  by:
    description: Who goes back, for the ledger and the lock.
    type: str
    default: ""
seealso:
  - module: landfall.django.release
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
  description: The new record, as M(landfall.django.release) returns it.
  type: dict
  returned: when something was done
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt, ledger
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError


def prepare(root: str, number: int | None, despite_migrations: bool) -> tuple[int, Release]:
    """Find the release to go back to. Raises ReleaseError or LookupError where that cannot be done."""
    book = ledger.Ledger(root)
    records = book.read()
    target = ledger.origin(records, ledger.by_number(records, number) if number else ledger.previous(records))
    site = book.site(target)
    if not docker("image", "ls", "--quiet", site.image).strip():
        raise ReleaseError(
            f"the image {site.image} of release {target.release} is not on the host any more: deploy it instead"
        )
    release = Release(site, book.folder(target.release))
    if not despite_migrations:
        release.refuse_unknown_migrations(target)
    return target.release, release


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
        with interrupt.as_exceptions():
            record = release.run(given["by"] or "somebody", rollback_to=number)
    except (DockerError, ReleaseError, HeldError, LookupError, OSError, ValueError) as error:
        module.fail_json(msg=str(error.args[0] if isinstance(error, LookupError) else error))
    for warning in record.warnings if record else ():
        module.warn(warning)
    module.exit_json(changed=record is not None, to=number, **({"release": record.as_dict()} if record else {}))


if __name__ == "__main__":
    main()
