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
  - landfall.django._attributes.direct
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files.bring import SPEC, result
from ansible_collections.landfall.django.plugins.module_utils._secrets.hidden import parts


def main() -> None:
    module = AnsibleModule(
        argument_spec={**SPEC, "root": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    given = {**module.params, "entries": parts(module, "entries", "content", where="secret")}
    answer = result(given, module.check_mode)
    if answer.get("failed"):
        module.fail_json(**answer)
    for warning in answer.pop("warnings"):
        module.warn(warning)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
