#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: tree
short_description: Manage the folders, files and links of one program together
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Compares a set of folders, files and links with the host, runs a program that checks the set as it would be, and
    then replaces what differs, each file atomically. Where the check fails, nothing is changed.
  - Files that depend on each other, such as those of Nginx, cannot be checked one by one. One module call for all files
    also makes an unchanged run fast.
  - O(entries) are never written to the host's journal.
extends_documentation_fragment:
  - landfall.django._attributes
attributes:
  check_mode:
    support: full
    details: O(validate) is not run in check mode.
  diff_mode:
    support: full
    details: Files with O(entries[].secret) are not shown.
  platform:
    description: The host's file system must support links and owners.
    support: full
    platforms: posix
options:
  root:
    description: Folder that relative paths start from. It is created where it is missing.
    type: path
    required: true
  entries:
    description: The folders, files and links. One without O(entries[].content) or O(entries[].target) is a folder.
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
        description: Target of the link.
        type: str
      state:
        description: V(absent) removes a file or link; other options are ignored. Folders are never removed.
        type: str
        choices: [present, absent]
        default: present
      secret:
        description: Whether the content may be secret. It is then neither in the diff nor in the result.
        type: bool
        default: false
      keep:
        description: Whether an existing file, folder or link is left unchanged.
        type: bool
        default: false
      first:
        description: Whether the entry is written before O(validate) runs, which then finds it below O(root) and not
          below C({tree}). For a secret of which no copy is to be made.
        type: bool
        default: false
      recurse:
        description:
          - Whether the owner of everything in a folder changes with the folder's, for folders that containers write to.
          - The folder must not be a link. Links in it are not followed. Files that may belong to another user are left
            unchanged, with a warning.
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
    description: A program with arguments that succeeds where the files are valid. It runs only where a file would
      change. C({tree}) is replaced by a folder with the content that O(root) would have.
    type: list
    elements: str
    default: []
  beside:
    description: Folders below O(root) whose other files O(validate) needs. C(.) is O(root) itself.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Write the server's files
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
  description: The former content of the changed files by path, without new and secret files.
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
    # Secret files in memory: if the host crashes meanwhile, nothing stays on the disk.
    place = MEMORY if secret and os.access(MEMORY, os.W_OK) else module.tmpdir
    with tempfile.TemporaryDirectory(dir=place, prefix="landfall-") as private:
        laid = os.path.join(private, "tree")
        os.mkdir(laid)
        tree.stage(module.params["root"], entries, module.params["beside"], laid)
        # A program that is not root reads it where it is mounted; here the folder above keeps others out.
        Path(laid).chmod(0o755)
        command = [word.replace("{tree}", laid) for word in module.params["validate"]]
        code, out, err = module.run_command(command)
    if code:
        output = (err.strip() or out.strip()).replace(laid, module.params["root"])
        module.fail_json(msg=f"{command[0]} refused the files, nothing was changed: {output}", rc=code)


def bring(module: AnsibleModule, entries: list[tree.Entry], found: list[tree.Change], secret: bool) -> None:
    warnings = tree.apply(change for change in found if change.entry.first)
    rest = [change for change in found if not change.entry.first]
    if module.params["validate"] and any(change.content and change.entry.kind != tree.FOLDER for change in rest):
        validate(module, [entry for entry in entries if not entry.first], secret)
    for warning in [*warnings, *tree.apply(rest)]:
        module.warn(warning)


def shown(change: tree.Change, secret: bool) -> dict[str, str]:
    if secret:
        return {"prepared": f"{change.path}: the content may be secret and is not shown\n"}
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
        "first": {"type": "bool", "default": False},
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
            bring(module, entries, found, secret=bool(secret))
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
