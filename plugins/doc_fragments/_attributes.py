# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules promise about check mode and diff mode, where several promise the same.

Private to this collection.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict changes without changing anything.
  diff_mode:
    description: Shows what has changed, or would change in check mode, with C(--diff).
"""

    READ_ONLY = r"""
attributes:
  check_mode:
    description: The module only reads.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
"""

    PLAN = r"""
attributes:
  check_mode:
    description: Returns in RV(plan) what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Shows RV(plan) in check mode.
    support: partial
"""

    NO_DIFF = r"""
attributes:
  diff_mode:
    description: The module shows no differences.
    support: none
"""

    DIRECT = r"""
attributes:
  action:
    description: It sends the host only what the work needs, where the connection has pipelining.
    support: full
  async:
    description: The task ends soon.
    support: none
"""
