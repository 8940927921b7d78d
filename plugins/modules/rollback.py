#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Roll a stack back to an earlier release
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Brings a kept release into service, with its image, settings and static files, as M(landfall.django.release) does.
    Nothing is built, pulled or migrated.
  - The database stays as it is. The module fails and names the migrations where the database has some that the earlier
    code does not know, because that code may not work with the present tables.
extends_documentation_fragment:
  - landfall.django._attributes.plan
  - landfall.django._project
  - landfall.django._project.by
options:
  release:
    description: Number of the release. By default the one before the release that serves.
    type: int
  despite_migrations:
    description: Whether to roll back although the database has migrations that the release does not know.
    type: bool
    default: false
seealso:
  - module: landfall.django.release
"""

EXAMPLES = r"""
- name: Roll back to the previous release
  landfall.django.rollback:
    project_src: /srv/shop

- name: Roll back to release 7
  landfall.django.rollback:
    project_src: /srv/shop
    release: 7
"""

RETURN = r"""
to:
  description: Number of the release that was rolled back to.
  type: int
  returned: success
plan:
  description: The containers that would be started or stopped, one per line.
  type: list
  elements: str
  returned: in check mode
release:
  description: The new record, as M(landfall.django.release) returns it.
  type: dict
  returned: when something was done
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils import _options
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._files.lock import HeldError
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt, ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import Record
from ansible_collections.landfall.django.plugins.module_utils._release.run import Release
from ansible_collections.landfall.django.plugins.module_utils._release.site import ReleaseError


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


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.PROJECT,
            **_options.BY,
            "release": {"type": "int"},
            "despite_migrations": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        target, release = prepare(given["project_src"], given["release"])
        number = target.release

        def allow() -> None:
            if not given["despite_migrations"]:
                release.refuse_unknown_migrations(target)

        if module.check_mode:
            allow()
            plan = release.look()
            lines = plan.lines()
            shown = {"prepared": "".join(f"{line}\n" for line in lines)}
            module.exit_json(changed=release.pending(plan), to=number, plan=lines, diff=shown)
        with interrupt.as_exceptions():
            record = release.run(
                given["by"] or "an unknown user", rollback_to=number, allow=allow, profile=target.profile
            )
    except (DockerError, ReleaseError, HeldError, LookupError, OSError, ValueError) as error:
        module.fail_json(msg=str(error.args[0] if isinstance(error, LookupError) else error))
    for warning in record.warnings if record else ():
        module.warn(warning)
    module.exit_json(changed=record is not None, to=number, **({"release": record.as_dict()} if record else {}))


if __name__ == "__main__":
    main()
