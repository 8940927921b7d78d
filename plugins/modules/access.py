#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: access
short_description: Change who may reach and enter a host, and keep it only once a fresh login has worked
version_added: 0.1.0
author: landfall.django contributors (@landfall)
description:
  - Checks a drop-in of sshd and the rules of the firewall with their own programs, writes them and loads them.
  - The change starts a timer on the host, which only a fresh login of the controller stops. If that login fails, the
    former files are restored and loaded at once. If the controller is gone, the host does so by itself after the
    seconds of C(landfall-undo.timer), or when it boots.
  - A play that is connected over sshd, but not by Ansible's plugin V(ansible.builtin.ssh), cannot make that login, and
    fails before anything is changed.
  - The units C(landfall-undo.service), C(landfall-undo.timer) and C(landfall-firewall.service) must exist; the role
    C(hardening) installs them.
attributes:
  check_mode:
    description: Checks the files and says what would change. Rules of the firewall are not checked without C(nft).
    support: full
  diff_mode:
    description: Shows the files.
    support: full
  action:
    description: The fresh login is made from the controller.
    support: full
options:
  sshd:
    description: Content of the drop-in of sshd. Empty removes it.
    type: str
    default: ""
  firewall:
    description: Content of the rules for C(nft). Empty removes them.
    type: str
    default: ""
  state:
    description: V(tried) makes the change, V(kept) stops the timer, V(former) reverts the change. The action plugin
      asks for one after the other.
    type: str
    choices: [tried, kept, former]
    default: tried
  connection:
    description: The connection plugin, if no fresh login can be made with it. Set by the action plugin.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Refuse passwords
  landfall.django.access:
    sshd: |
      PasswordAuthentication no
"""

RETURN = r"""
paths:
  description: The files that were changed, or would be.
  type: list
  elements: str
  returned: success
pending:
  description: Whether the change waits for a fresh login.
  type: bool
  returned: success
"""

import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._files import tree
from ansible_collections.landfall.django.plugins.module_utils._hardening import (
    confirm,
    firewall,
    judge,
    session,
    sshd,
)

# A reload would be over before sshd has read its files. A restart is over when it listens, and sessions outlive it.
RESTART_SSHD = ["try-restart", "ssh.service"]
# Stopping it takes the rules away, and without their file it starts nothing.
FORMER_RULES = ["restart", firewall.UNIT]
NO_RULES = ["stop", firewall.UNIT]


def check(module: AnsibleModule, found: list[tree.Change]) -> None:
    changed = {change.path: change.entry.content.decode() for change in found if change.entry.kind == tree.FILE}
    # Also where the drop-in is as it should be: another file may have come before it since.
    if module.params["sshd"]:
        sshd.check(module.params["sshd"], session.current())
    if firewall.RULES in changed and not (module.check_mode and not module.get_bin_path("nft")):
        with tempfile.NamedTemporaryFile("w", suffix=".nft", encoding="utf-8") as candidate:
            candidate.write(changed[firewall.RULES])
            candidate.flush()
            firewall.check(candidate.name)


def make(found: list[tree.Change], load: bool) -> None:
    """Change the files and load them; revert everything if a step fails."""
    paths = [change.path for change in found]
    former_rules = FORMER_RULES if firewall.RULES in paths else NO_RULES
    commands = ([RESTART_SSHD] if sshd.DROP_IN in paths else []) + ([former_rules] if load else [])
    # The host may be about to boot, and has to come up to do them.
    confirm.arm(paths, [["systemctl", "--no-block", *words] for words in commands])
    try:
        tree.apply(found)
        if load:
            confirm.run("systemctl", "reload-or-restart", firewall.UNIT)
        if sshd.DROP_IN in paths:
            confirm.run("systemctl", *RESTART_SSHD)
    except OSError:
        put_back()
        raise


def put_back() -> None:
    """Restore and load the former files. Raises OSError if that is not certain."""
    if confirm.is_pending():
        confirm.undo()
    # The host's own undo does not wait for these, and may be running them at this moment.
    confirm.run("systemctl", *RESTART_SSHD)
    if os.path.exists(firewall.RULES):
        confirm.run("systemctl", "reload-or-restart", firewall.UNIT)
    elif shutil.which("nft") and firewall.is_loaded():
        confirm.run("systemctl", *NO_RULES)


def tried(module: AnsibleModule) -> None:
    if module.params["connection"] and session.current():
        module.fail_json(msg=judge.unprovable(module.params["connection"]))
    leftover = confirm.is_pending()
    if leftover and not module.check_mode:
        put_back()
        module.warn("an earlier change was never confirmed by a fresh login, and has been taken back")
    wanted = ((sshd.DROP_IN, module.params["sshd"], "0644"), (firewall.RULES, module.params["firewall"], "0644"))
    entries = [
        tree.entry({"path": path, "content": content, "mode": mode} if content else {"path": path, "state": "absent"})
        for path, content, mode in wanted
    ]
    found = tree.changes("/", entries)
    check(module, found)
    rules = bool(module.params["firewall"])
    nft = bool(module.get_bin_path("nft"))
    load = rules and (firewall.RULES in [change.path for change in found] or not nft or not firewall.is_loaded())
    pending = bool(found or load) and not module.check_mode
    if pending:
        make(found, load)
    module.exit_json(
        changed=bool(found or load or leftover),
        paths=[change.path for change in found],
        pending=pending,
        diff=[
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": (change.before or b"").decode(errors="replace"),
                "after": change.entry.content.decode(),
            }
            for change in found
        ],
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "sshd": {"type": "str", "default": ""},
            "firewall": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["tried", "kept", "former"], "default": "tried"},
            "connection": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    os.environ["PATH"] = f"/usr/sbin:/sbin:{os.environ.get('PATH', '')}"
    try:
        if module.params["state"] == "tried":
            tried(module)
        elif module.params["state"] == "kept":
            if not confirm.confirm():
                module.fail_json(
                    msg="The fresh login came too late: the host has put back its former files. Run the play again."
                )
            module.exit_json(changed=True, paths=[], pending=False)
        else:
            put_back()
            module.exit_json(changed=True, paths=[], pending=False)
    except (sshd.SshdError, firewall.FirewallError) as error:
        module.fail_json(msg=f"Access settings were not changed. {error}")
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
