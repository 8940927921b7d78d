#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: tree
short_description: Keep the folders, files and links of one program, all of them or none
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Compares a whole set of folders, files and links with what is there, lets a program check the set as it would be,
    and only then replaces what differs, each file in one step. Where the check fails, nothing has changed.
  - Files that are good or bad together, as those of Nginx are, cannot be checked one by one. And one question to the
    host instead of two for each file is what makes an unchanged run quick.
  - O(entries) are never written to the host's journal.
attributes:
  check_mode:
    description: Says what would change. O(validate) is not run.
    support: full
  diff_mode:
    description: Shows the files, but not those with O(entries[].secret).
    support: full
  platform:
    description: The host must have links and owners.
    support: full
    platforms: posix
options:
  root:
    description: Folder that relative paths begin at. It need not exist.
    type: path
    required: true
  entries:
    description: What is to be there. An entry with neither O(entries[].content) nor O(entries[].target) is a folder.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Path, relative to O(root) or absolute.
        type: str
        required: true
      content:
        description: The file's content. A dictionary or list is written as JSON.
        type: raw
      target:
        description: Where the link leads.
        type: str
      state:
        description: V(absent) removes a file or link, whatever else the entry says. A folder is never removed.
        type: str
        choices: [present, absent]
        default: present
      secret:
        description: Whether the content may hold secrets. It is then in no diff and no result.
        type: bool
        default: false
      keep:
        description: Whether what is there already stays as it is.
        type: bool
        default: false
      recurse:
        description:
          - Whether all that is in a folder changes its owner along with it, as in one that containers write to.
          - The folder itself must not be a link. In it no link is followed, and what may belong to somebody else stays
            as it is, with a warning.
        type: bool
        default: false
      mode:
        description: Permissions, in octal and quoted. By default V(0644) for a file and V(0755) for a folder.
        type: str
      owner:
        description: User, by name or number.
        type: str
        default: "0"
      group:
        description: Group, by name or number.
        type: str
        default: "0"
  validate:
    description: Program and arguments that succeed where the files are good. Run only when a file would change.
      C({tree}) stands for a folder that is laid out as O(root) would be.
    type: list
    elements: str
    default: []
  beside:
    description: Folders below O(root) whose other files O(validate) must see. C(.) is O(root) itself.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Have the server's files
  landfall.django.tree:
    root: /srv/nginx
    entries:
      - {path: acme}
      - {path: nginx.conf, content: "{{ lookup('ansible.builtin.template', 'nginx.conf.j2') }}"}
      - {path: tls/shop, target: temporary/shop, keep: true}
    validate: [nginx, -t, -p, "{tree}", -c, nginx.conf]
    beside: [conf.d]
"""

RETURN = r"""
paths:
  description: The paths that were changed, or would be.
  type: list
  elements: str
  returned: success
before:
  description: What the changed files held before, by path; of those that were there and are not secret.
  type: dict
  returned: success
"""

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files import tree
from ansible_collections.landfall.django.plugins.module_utils._secrets.hidden import parts

MEMORY = "/run"


def validate(module: AnsibleModule, entries: list[tree.Entry], secret: bool) -> None:
    # In memory where they are secret: of a host that dies meanwhile nothing stays on the disk.
    place = MEMORY if secret and os.access(MEMORY, os.W_OK) else module.tmpdir
    with tempfile.TemporaryDirectory(dir=place, prefix="landfall-") as private:
        laid = os.path.join(private, "tree")
        os.mkdir(laid)
        tree.stage(module.params["root"], entries, module.params["beside"], laid)
        # For a program that is not root, once the folder is mounted elsewhere; here nobody gets past the one above.
        Path(laid).chmod(0o755)
        command = [word.replace("{tree}", laid) for word in module.params["validate"]]
        code, out, err = module.run_command(command)
    if code:
        said = (err.strip() or out.strip()).replace(laid, module.params["root"])
        module.fail_json(msg=f"refused by {command[0]}, so nothing was changed: {said}", rc=code)


def shown(change: tree.Change, secret: bool) -> dict[str, str]:
    if secret:
        return {"prepared": f"{change.path}: its content may be secret and is not shown\n"}
    after = change.entry.content if change.entry.kind == tree.FILE else b""
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": (change.before or b"").decode(errors="replace"),
        "after": after.decode(errors="replace"),
    }


def main() -> None:
    entry = {
        "path": {"type": "str", "required": True},
        "content": {"type": "raw"},
        "target": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "secret": {"type": "bool", "default": False, "no_log": False},
        "keep": {"type": "bool", "default": False},
        "recurse": {"type": "bool", "default": False},
        "mode": {"type": "str"},
        "owner": {"type": "str", "default": "0"},
        "group": {"type": "str", "default": "0"},
    }
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "entries": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": entry},
            "validate": {"type": "list", "elements": "str", "default": []},
            "beside": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    root, given = module.params["root"], parts(module, "entries", "content", where="secret")
    secret = {os.path.join(root, one["path"]) for one in given if one["secret"]}
    try:
        entries = [tree.entry(one) for one in given]
        found = tree.changes(root, entries)
        files = [change for change in found if change.content and change.entry.kind != tree.FOLDER]
        if not module.check_mode:
            if files and module.params["validate"]:
                validate(module, entries, secret=bool(secret))
            for warning in tree.apply(found):
                module.warn(warning)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(found),
        paths=[change.path for change in found],
        before={
            change.path: change.before.decode(errors="replace")
            for change in files
            if change.before is not None and change.path not in secret
        },
        diff=[shown(change, change.path in secret) for change in files],
    )


if __name__ == "__main__":
    main()
